"""From the pieces of a model to the contents of a .tflite file."""

import contextlib
import os
import sys
import tempfile
import warnings

import numpy as np
import tensorflow as tf

from keras_ae.export.litert.flatbuffer import HALVED, assemble, halve
from keras_ae.export.signatures.signature import write
from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer

QUANTIZE = ("none", "fp16", "dynamic", "int8")
_NETWORKS = ("decoder", "encoder")
# How all but the networks is converted. Formulas stay float32: float16 would round their constants, and int8 the noise
# itself, to pictures as far from those of the seed as any two are. The networks of a learned prior get int8 weights, or
# float16 ones: "halved" stores what was rounded before, see `rounded`, and leaves constants as they are.
_REST = {"none": "none", "fp16": "halved", "dynamic": "dynamic", "int8": "dynamic"}


def convert(signatures, directory, quantize, calls):
    """Converts the signatures of a model.

    Args:
        signatures: a `DeviceSignatures`.
        directory: where a SavedModel is put on the way: the converter loses the weights of a function that it is given
            directly.
        quantize: one of `QUANTIZE`; it says how the networks are converted.
        calls: for `"int8"`, what `calibration` gives.

    Returns:
        The file, a `schema.ModelT` of LiteRT.

    Raises:
        ValueError: for a model with operations that LiteRT has no builtins for.
    """
    pieces = signatures.pieces()
    with rounded(signatures.model) if quantize == "fp16" else contextlib.nullcontext():
        write(directory, pieces.values())
    modes = {}
    for name in pieces:
        modes.setdefault(_mode(name, quantize, signatures.model), []).append(name)
    if signatures.integer:  # the converter does not find several signatures again to calibrate them
        files = [_convert(directory, [name], "integer", calls) for name in pieces]
    else:
        files = [_convert(directory, names, mode, calls) for mode, names in modes.items()]
    layers = {layer.name for layer in signatures.model._flatten_layers()}
    return assemble(files, signatures.chains, layers)


@contextlib.contextmanager
def rounded(model):
    """The weights of a model are those that float16 holds, within it: what a file with 16-bit weights computes with.

    Weights of less than 64 values, and those with values that float16 does not reach, stay as they are.
    """
    kept = []
    try:
        for weight in model.weights:
            value = weight.numpy()
            if value.dtype == np.float32 and value.size >= HALVED and np.abs(value).max() <= np.finfo(np.float16).max:
                kept.append((weight, value))
                weight.assign(value.astype(np.float16).astype(np.float32))
        yield
    finally:
        for weight, value in kept:
            weight.assign(value)


def _mode(piece, quantize, model):
    """How a piece is converted."""
    mode = quantize if piece in _NETWORKS else _REST[quantize]
    # Of entries that are nearly as near, a rounded network chooses another.
    if isinstance(model.posterior_layer, VectorQuantizer):
        exact = "halved" if quantize == "fp16" else "none"
        return {"sampler": exact, "posterior": exact, "encoder": _REST[quantize]}.get(piece, mode)
    return mode


def _convert(directory, names, mode, calls):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(directory), signature_keys=names)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if mode not in ("none", "halved"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "fp16":
        converter.target_spec.supported_types = [tf.float16]
    if mode == "integer":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    if mode in ("int8", "integer"):
        converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS_INT8)
        converter.representative_dataset = lambda: ((name, call) for name in names for call in calls[name])
    try:
        with _quiet():
            content = converter.convert()
    except Exception as error:  # the converter's own class is private
        raise ValueError(
            f"`model` must consist of builtin operations of LiteRT. Received: {_reason(str(error))}"
        ) from error
    return halve(content) if mode == "halved" else content


def _reason(message):
    """What matters of the converter's many lines: the operations it has no builtins for."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("TF Select ops:", "Custom ops:"))]
    return f"others, {'; '.join(named)}" if named else f"a model that does not convert: {' '.join(lines)[:500]}"


@contextlib.contextmanager
def _quiet():
    """Swallows what the converter's C++ code logs to the stderr of the process. A failure raises all the same."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as log, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the converter about its own interpreter, for int8
            os.dup2(log.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
