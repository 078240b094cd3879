"""Exports a model to LiteRT: converts its pieces, assembles them to one file, and verifies and publishes it."""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from keras_ae.autoencoder import Autoencoder
from keras_ae.export.card.card import QUANTIZE, Card, check_details, make_card, seal, versions, weight_bytes
from keras_ae.export.litert.calibration import RealExamples, calibration
from keras_ae.export.litert.flatbuffer import MIN_HALVED, assemble, float_operations, halve, pack, tensors
from keras_ae.export.litert.metadata import NAME, describe
from keras_ae.export.litert.quality import FLOATS, budgets, has_distance, judge
from keras_ae.export.signatures.descriptions import descriptions
from keras_ae.export.signatures.detector import model_and_detector
from keras_ae.export.signatures.device import DeviceSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, HALF_TOLERANCE, answers, compare
from keras_ae.export.verification.probes import device_probes
from keras_ae.io.paths import check_file
from keras_ae.io.writing import publish_files, staging
from keras_ae.keras_internals import layers_in
from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer
from keras_ae.likelihoods.softplus import portable
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_size

if TYPE_CHECKING:
    from keras_ae.outliers import OutlierDetector

# The minimum size of a file, as a fraction of the float32 weights: float32 keeps them, int8 keeps a quarter.
_MIN_SIZE = {"none": 0.9, "fp16": 0.45, "dynamic": 0.2, "int8": 0.2}
_NETWORKS = ("decoder", "encoder")
# The conversion of the other pieces. Formulas stay float32: float16 would round their constants, and int8 would round
# the noise, and so lose the seed. The networks of a learned prior get int8 or float16 weights: "halved" stores weights
# that `rounded` rounded before, and leaves constants unchanged.
_REST = {"none": "none", "fp16": "halved", "dynamic": "dynamic", "int8": "dynamic"}


def litert(
    model: "Autoencoder | OutlierDetector",
    path: str | os.PathLike,
    *,
    quantize: str = "none",
    batch_size: int = 1,
    encoder: bool = False,
    signatures: str | Sequence[str] | None = None,
    inference_io: str = "float32",
    examples: Any = None,
    classifier: keras.Model | None = None,
    budget: float | dict[str, float] | None = None,
    notes: dict[str, dict[str, Any]] | None = None,
    details: dict[str, dict[str, Any]] | None = None,
    license: str | None = None,
) -> Card:
    """Exports a model as a .tflite file, for LiteRT on a phone, in a browser or on a microcontroller.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, row[, condition]) -> x          samples row, row + 1, ... of `model.sample(..., seed=seed)`
        encode(x[, condition]) -> z, scale             mean and standard deviation of q(z|x), with `encoder`
        reconstruct(x[, condition]) -> x               decode(encode(x)), with `encoder`
        score(x[, condition]) -> score, p_value, outlier     of a fitted `OutlierDetector` in place of a model: minus
                                                       `score_samples`; `p_values`; 1 where `predict` is -1

    Shapes are static: every input has `batch_size` rows, except `seed` and `row`, which are int32 [1]. All operations
    are builtin. Inputs and outputs are float32 at every precision. An unknown label, NaN or infinity gives NaN.
    `litert_metadata` reads the descriptions of inputs and outputs.

        quantize      encoder and decoder              learned prior      budget
        "none"        float32                          float32            "relative" 1e-5
        "fp16"        float16 weights                  float16 weights    "relative" 4e-3
        "dynamic"     int8 weights                     int8 weights       "spread" 0.2, "frechet_distance" 0.05
        "int8"        int8 weights and activations     int8 weights       "spread" 0.2, "frechet_distance" 0.05

    Noise and the formulas of condition, prior and likelihood are float32 everywhere, so a seed gives the same sample at
    every precision. Networks that choose entries of a codebook have no int8 weights, which would choose others; float16
    weights rarely do, and the card says how often. Before the file is published, it runs in a process without
    TensorFlow, and a thousand samples of the prior are compared with the model. The card is written beside it:
    `<path>.card.json`, and `<path>.card.md` for people.

    The budgets limit the difference from the model:

        "relative"          the maximum difference, relative to the largest value
        "spread"            the root mean square difference, relative to the standard deviation of the values; for data
                            that are not images, such as tables and sequences, per value
        "frechet_distance"  the relative increase of the samples' Frechet distance to real examples. It needs
                            `examples`, and is computed in the features of `classifier` or, for data that are not
                            images, in the standardized values

    Args:
        model: a built keras_ae model, or a fitted `OutlierDetector`. `fit` and `load` build models.
        path: path of the file, ending in `.tflite`. Missing parents are created, and an older file is replaced.
        quantize: `"none"`, `"fp16"`, `"dynamic"` or `"int8"`; `"none"` for a detector, which is calibrated in float32.
        batch_size: number of rows per call.
        encoder: whether to include `encode` and `reconstruct`.
        signatures: the signatures to include, such as `("decode",)`, instead of `encoder`. LiteRT for microcontrollers
            cannot run `generate`, because it has no bitwise operations.
        inference_io: `"float32"`, or with `quantize="int8"` also `"int8"`, as `inference_input_type` and
            `inference_output_type` of TensorFlow's converter: for microcontrollers and accelerators without floats.
            Labels stay int32. `litert_metadata` has scale and zero point of the other tensors. int8 has no NaN, so
            invalid inputs give wrong outputs. `generate`, whose noise is float32, and `scale` of `encode` are omitted.
        examples: real examples x, or (x, condition), for the calibration of int8 and the Frechet distance. Without
            them, samples of the model calibrate int8.
        classifier: a Keras model from examples to class scores, such as `kae.evaluate.train_classifier` returns, to
            evaluate the export. Needs `examples`.
        budget: other budgets: a dictionary such as {"spread": 0.3}, or a number for "relative" or, with 8 bits, for
            "frechet_distance" if it is measured and otherwise for "spread".
        notes: additional descriptions of inputs and outputs, {name: {"description", "unit", "range", "labels"}}, for
            example {"condition": {"labels": ["shirt", "shoe"]}}.
        details: data, training and metrics for the card: see `keras_ae.run.Run.details`.
        license: license of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is neither a keras_ae model nor a detector, or `classifier` not a Keras model.
        ValueError: for an invalid argument, or a model that is not built, gives NaN, or has operations that LiteRT
            lacks.
        RuntimeError: if the export does not reproduce the model's outputs, or exceeds a budget. Nothing is changed
            then.
    """
    quantize = check_choice("quantize", quantize, QUANTIZE)
    batch_size, fields = check_size("batch_size", batch_size, high=MAX_ROWS), check_details(details, license)
    path = check_file(path, ".tflite")
    model, detector = model_and_detector(model)
    if detector is not None and quantize != "none":
        raise ValueError(
            f"`quantize` must be 'none' for a detector, because its scores are calibrated in float32. "
            f"Received: {quantize!r}"
        )
    inference_io = check_choice("inference_io", inference_io, ("float32", "int8"))
    if inference_io == "int8" and quantize != "int8":
        raise ValueError(f"`inference_io='int8'` needs quantize='int8'. Received: quantize={quantize!r}")
    integer = inference_io == "int8"
    signatures = DeviceSignatures(
        model, batch_size, encoder=encoder, names=signatures, integer=integer, detector=detector
    )
    examples = RealExamples.of(model, examples)
    output = {"encode": "z", "score": "score"}.get(signatures.names[0], "x")  # the one to evaluate
    _check_classifier(examples, classifier, output)
    measures_distance = output == "x" and has_distance(model, classifier, examples)
    if budget is None and output == "score":  # its tails multiply the rounding of the statistics
        budget = FLOAT_TOLERANCE
    limits = budgets(budget, quantize, has_distance=measures_distance)
    judged = {"quantize": quantize, "budget": limits, "classifier": classifier, "examples": examples}
    described = descriptions(model, notes, detector)
    calls = calibration(signatures, examples) if quantize == "int8" else None
    probes, choices = _probes(model, batch_size, quantize, names=signatures.names, examples=examples, detector=detector)
    probes = [_with_outputs(probe, signatures.chains[probe.signature][1]) for probe in probes]
    with staging(path) as stage:
        artifact = stage / "files" / path.name
        artifact.parent.mkdir()
        converted = convert(signatures, stage / "saved_model", quantize, calls)
        metadata = describe(model, tensors(converted), signatures.omitted, described, detector)
        artifact.write_bytes(pack(converted, {NAME: json.dumps(metadata).encode()}))
        left = float_operations(converted) if integer else []
        sizes = _sizes(model, artifact, quantize, signatures.names)
        spread = {output: float(probes[-1].outputs[output].std())}
        report = compare("litert", artifact, probes, stage, quantize=quantize, budget=limits, spread=spread)
        quality = judge(model, probes[-1], answers(stage, len(probes) - 1)[output], **judged)
        card = make_card(
            model,
            path,
            report,
            omitted=signatures.omitted,
            format="litert",
            quantize=quantize,
            bytes=sizes,
            quality=quality,
            versions=versions("tensorflow", "keras", "numpy", "ai-edge-litert"),
            notes=notes,
            detector=detector,
            limits=(
                *choices,
                *_float_sentence(left),
                *_limits(quantize, batch_size, len(probes), limits, signatures.names, integer),
            ),
            **fields,
        )
        card = seal(card, artifact, probes[:-1])  # the last one has a thousand samples
        publish_files(artifact.parent, path)
    return card


def _check_classifier(examples, classifier, output):
    if classifier is not None and not isinstance(classifier, keras.Model):
        raise TypeError(f"`classifier` must be a Keras model. Received: {type(classifier).__name__}")
    if classifier is not None and examples is None:
        raise ValueError("`classifier` needs `examples` for the Frechet distance. Received: examples=None")
    if classifier is not None and output != "x":
        raise ValueError("`classifier` needs a signature with the output `x`. Received: none with images")


def _probes(model, batch_size, quantize, **options):
    """Returns the probes, and sentences about codes that float16 weights change.

    With float16 weights, a model with a codebook may choose another entry if two are almost equally near or likely. So
    the choices of the export are compared exactly with the rounded model, and the changes are counted here.
    """
    probes = device_probes(model, batch_size, **options)
    if quantize != "fp16" or not isinstance(model.posterior_layer, VectorQuantizer):
        return probes, ()
    with rounded(model):
        others = device_probes(model, batch_size, **options)
    pairs, sentences = list(zip(probes, others, strict=True)), []
    if model.sampler is not None and probes[-1].signature == "decode":
        sentences.append(_choices("seeds", *(pair.inputs["z"] for pair in pairs[-1])))  # codes of the prior
    for probe, other in pairs:
        if probe.signature == "encode":
            sentences.append(_choices("examples", probe.outputs["z"], other.outputs["z"]))
    return [probe if probe.signature == "decode" else other for probe, other in pairs], tuple(sentences)


def _with_outputs(probe, names):
    """Returns a probe with only the outputs that the file has."""
    return probe._replace(outputs={name: probe.outputs[name] for name in names})


def _float_sentence(operations):
    """Returns a sentence about operations that the converter left in float32, in a tuple."""
    return (f"Some operations are computed in float32: {', '.join(operations)}.",) if operations else ()


def _choices(what, codes, rounded_codes):
    near = np.abs(codes - rounded_codes) <= HALF_TOLERANCE * np.abs(codes).max()
    same = np.count_nonzero(near.all(axis=-1))
    return (
        f"float16 weights can change which entries of the codebook are chosen: {same} of {len(near)} {what} keep the "
        "same codes."
    )


def _limits(quantize, batch_size, calls, limits, names, integer):
    unsigned = "`generate` needs uint32 arithmetic. LiteRT has it; OpenVINO 2026.4 does not, and draws other samples."
    tolerance = (
        f"{FLOAT_TOLERANCE if quantize == 'none' else limits['relative']:g} of the largest value"
        if quantize in FLOATS
        else f"{limits['spread']:g} of the spread of the values for the root mean square difference"
    )
    not_evaluated = (
        "Neither a classifier nor a distance to real examples evaluated it: the difference of its samples from the "
        "model's is known, but not whether they are worse.",
    )
    return (
        *(not_evaluated if quantize not in FLOATS and "frechet_distance" not in limits else ()),
        *((unsigned,) if "generate" in names else ()),
        f"Shapes are static: {batch_size} {'row' if batch_size == 1 else 'rows'} a call.",
        "int8 has no NaN: an unknown label, or a value out of range, gives a wrong output, not an error."
        if integer
        else "An unknown label, NaN or infinity gives NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls, with a tolerance of {tolerance}. Another processor or delegate, "
        "such as a GPU, may round differently.",
    )


def _sizes(model, artifact, quantize, names):
    networks = [
        *((model.decoder, model.likelihood_layer) if set(names) - {"encode"} else ()),
        *((model.encoder,) if {"encode", "reconstruct", "score"} & set(names) else ()),
    ]
    total, weights = artifact.stat().st_size, sum(map(weight_bytes, networks))
    if total < _MIN_SIZE[quantize] * weights:
        raise RuntimeError(f"The export lacks weights: it has {total} bytes, they have {weights} bytes in float32.")
    # The converter omits weights that no sample depends on, such as masked weights of a prior.
    return {"total": total, "weights": weights + (weight_bytes(model.sampler) if "generate" in names else 0)}


def convert(
    signatures: DeviceSignatures, directory: pathlib.Path, quantize: str, calls: dict[str, list] | None
) -> schema.ModelT:
    """Converts the signatures of a model.

    Args:
        signatures: the signatures.
        directory: path of a temporary SavedModel. The converter loses the weights of functions passed directly.
        quantize: conversion of the networks, one of `QUANTIZE`.
        calls: calls for the calibration of `"int8"`.

    Returns:
        The file.

    Raises:
        ValueError: for a model with operations that LiteRT lacks.
    """
    pieces = signatures.pieces()
    with contextlib.ExitStack() as contexts:
        if quantize == "fp16":
            contexts.enter_context(rounded(signatures.model))
        if not signatures.integer:  # int8 would round each term of the sum
            contexts.enter_context(portable())
        write(directory, pieces.values())
    modes = {}
    for name in pieces:
        modes.setdefault(_mode(name, quantize, signatures.model), []).append(name)
    if signatures.integer:  # the converter cannot calibrate several signatures at once
        files = [_convert(directory, [name], "integer", calls) for name in pieces]
    else:
        files = [_convert(directory, names, mode, calls) for mode, names in modes.items()]
    layers = {layer.name for layer in layers_in(signatures.model)}
    return assemble(files, signatures.chains, layers)


@contextlib.contextmanager
def rounded(model: Autoencoder) -> Iterator[None]:
    """Context in which the weights of a model are rounded to float16, as in a file with 16-bit weights.

    Weights with fewer than 64 values, or with values out of the range of float16, are not rounded.
    """
    kept = []
    try:
        for weight in model.weights:
            value = weight.numpy()
            fits = np.abs(value).max() <= np.finfo(np.float16).max
            if value.dtype == np.float32 and value.size >= MIN_HALVED and fits:
                kept.append((weight, value))
                weight.assign(value.astype(np.float16).astype(np.float32))
        yield
    finally:
        for weight, value in kept:
            weight.assign(value)


def _mode(piece, quantize, model):
    """Returns the conversion of a piece."""
    mode = quantize if piece in _NETWORKS else _REST[quantize]
    # A rounded network may choose another entry of the codebook.
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
    except Exception as error:  # the converter's class is private
        raise ValueError(
            f"`model` must consist of builtin operations of LiteRT. Received: {_reason(str(error))}"
        ) from error
    return halve(content) if mode == "halved" else content


def _reason(message):
    """Returns the unsupported operations from the many lines of the converter's message."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("TF Select ops:", "Custom ops:"))]
    return f"others, {'; '.join(named)}" if named else f"a model that does not convert: {' '.join(lines)[:500]}"


@contextlib.contextmanager
def _quiet():
    """Suppresses warnings and the log of the converter's C++ code. Failures still raise."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as log, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for int8, about the deprecated interpreter
            os.dup2(log.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
