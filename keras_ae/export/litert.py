import contextlib
import os
import pathlib
import sys
import tempfile

import tensorflow as tf

from keras_ae.checks import check_size
from keras_ae.export.card import check_details, make_card, versions, weight_bytes
from keras_ae.export.comparison import FLOAT_TOLERANCE, INT8_TOLERANCE, compare
from keras_ae.export.device import DeviceSignatures
from keras_ae.export.place import publish, staging
from keras_ae.export.probes import device_probes
from keras_ae.export.signatures import write

QUANTIZE = ("none", "dynamic")
# The least a file can weigh, as a part of the float32 weights: float32 keeps them, int8 keeps a quarter.
_LEAST = {"none": 0.9, "dynamic": 0.2}


def litert(model, path, *, quantize="none", batch_size=1, details=None, licence=None):
    """Exports the decoder as a .tflite file, for a phone, a browser or a microcomputer with LiteRT.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, row[, condition]) -> x          pictures row, row + 1, ... of `model.sample(..., seed=seed)`

    Shapes are static: every input has `batch_size` rows but `seed` and `row`, which are int32 [1]. Only builtin
    operations are used. An unknown label, NaN and infinity give pictures of NaN. The file is verified in a process
    without TensorFlow before it gets its place. Its card comes with it, `<path>.card.json` and, for people,
    `<path>.card.md`.

    Args:
        model: a model of keras_ae that was built, as `fit` and `load` do.
        path: where to put it; the name ends in `.tflite`. Missing parents are made, an older file is replaced.
        quantize: `"none"` for float32, or `"dynamic"` for int8 weights (a quarter of the size) with float32 in and out.
        batch_size: the number of pictures of one call.
        details: what the card says of data, training and metrics, as `keras_ae.run.Run.details` gives it.
        licence: of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is not a model of keras_ae.
        ValueError: for a model that is not built or gives NaN, a layer without builtin operations, or wrong arguments.
        RuntimeError: if the file does not do in another process what the model does. Nothing is changed then.
    """
    if quantize not in QUANTIZE:
        raise ValueError(f"`quantize` must be one of {QUANTIZE}. Received: quantize={quantize!r}")
    batch_size, fields = check_size("batch_size", batch_size), check_details(details, licence)
    path = _check_path(path)
    signatures = DeviceSignatures(model, batch_size).all()
    probes = device_probes(model, batch_size)
    with staging(path) as stage:
        artifact = stage / "files" / path.name
        artifact.parent.mkdir()
        artifact.write_bytes(_convert(signatures, stage / "saved_model", quantize))
        sizes = _sizes(model, artifact, quantize)
        report = compare("litert", artifact, probes, stage, quantize=quantize)
        card = make_card(
            model,
            path,
            report,
            format="litert",
            quantize=quantize,
            bytes=sizes,
            versions=versions("tensorflow", "keras", "numpy", "ai-edge-litert"),
            limits=_limits(quantize, batch_size, len(probes)),
            **fields,
        ).seal(artifact, probes)
        publish(artifact.parent, path)
    return card


def _check_path(path):
    path = pathlib.Path(path)
    if path.suffix != ".tflite":
        raise ValueError(f"`path` must end in .tflite. Received: {path}")
    if path.is_dir():
        raise ValueError(f"`path` must not be a directory. Received: {path}")
    return path


def _convert(signatures, directory, quantize):
    """The bytes of a .tflite file with these signatures."""
    # By way of a SavedModel: the converter loses the weights of a function that it is given directly.
    write(directory, signatures)
    names = [signature.name for signature in signatures]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(directory), signature_keys=names)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize == "dynamic":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    try:
        with _quiet():
            return converter.convert()
    except Exception as error:  # the converter's own class is private
        raise ValueError(
            f"`model` must consist of builtin operations of LiteRT. Received: {_reason(str(error))}"
        ) from error


def _reason(message):
    """What matters of the converter's many lines: the operations it has no builtins for."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("TF Select ops:", "Custom ops:"))]
    return f"others, {'; '.join(named)}" if named else f"a model that does not convert: {' '.join(lines)[:500]}"


def _limits(quantize, batch_size, calls):
    accepted = (
        f"up to {FLOAT_TOLERANCE:g} of the largest value"
        if quantize == "none"
        else f"with a root mean square up to {INT8_TOLERANCE:g} of the spread of the values"
    )
    return (
        f"Shapes are static: {batch_size} {'row' if batch_size == 1 else 'rows'} a call.",
        "An unknown label, NaN and infinity give a picture of NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls: differences {accepted} would have been accepted. Another processor "
        "or delegate, a GPU say, can round in other places.",
    )


def _sizes(model, artifact, quantize):
    parts = [part for part in (model.decoder, model.likelihood_layer, model.sampler) if part is not None]
    total, weights = artifact.stat().st_size, sum(weight_bytes(part) for part in parts)
    if total < _LEAST[quantize] * weights:
        raise RuntimeError(f"The export has lost weights: it has {total} bytes, they have {weights} bytes in float32.")
    return {"total": total, "weights": weights}


@contextlib.contextmanager
def _quiet():
    """Swallows what the converter's C++ code logs to the stderr of the process. A failure raises all the same."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as log:
            os.dup2(log.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
