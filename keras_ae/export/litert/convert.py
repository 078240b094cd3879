"""Export to LiteRT: converts the pieces of a model, assembles the file, judges it and puts it into place."""

import contextlib
import json
import os
import sys
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ae.export.card.card import QUANTIZE, check_details, make_card, versions, weight_bytes
from keras_ae.export.litert.calibration import Examples, calibration
from keras_ae.export.litert.flatbuffer import HALVED, assemble, float_operations, halve, pack, tensors
from keras_ae.export.litert.metadata import NAME, describe
from keras_ae.export.litert.quality import FLOATS, budgets, has_distance, judge, large
from keras_ae.export.signatures.descriptions import descriptions
from keras_ae.export.signatures.device import DeviceSignatures
from keras_ae.export.signatures.signature import write
from keras_ae.export.verification.comparison import FLOAT_TOLERANCE, HALF_TOLERANCE, answers, compare
from keras_ae.export.verification.probes import device_probes
from keras_ae.io.paths import check_file
from keras_ae.io.writing import publish_files, staging
from keras_ae.keras_internals import layers_in
from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer
from keras_ae.validation.arguments import MAX_ROWS, check_choice, check_size

# The least a file can weigh, as a part of the float32 weights: float32 keeps them, int8 keeps a quarter.
_LEAST = {"none": 0.9, "fp16": 0.45, "dynamic": 0.2, "int8": 0.2}
_NETWORKS = ("decoder", "encoder")
# How all but the networks is converted. Formulas stay float32: float16 would round their constants, and int8 the noise
# itself, to pictures that have nothing to do with the seed. The networks of a learned prior get int8 weights, or
# float16 ones: "halved" stores what was rounded before, see `rounded`, and leaves constants as they are.
_REST = {"none": "none", "fp16": "halved", "dynamic": "dynamic", "int8": "dynamic"}


def litert(
    model,
    path,
    *,
    quantize="none",
    batch_size=1,
    encoder=False,
    signatures=None,
    inference_io="float32",
    examples=None,
    classifier=None,
    budget=None,
    notes=None,
    details=None,
    license=None,
):
    """Exports a model as a .tflite file, for a phone, a browser or a microcomputer with LiteRT.

        decode(z[, condition]) -> x                    the mean of p(x|z)
        generate(seed, row[, condition]) -> x          pictures row, row + 1, ... of `model.sample(..., seed=seed)`
        encode(x[, condition]) -> z, scale             mean and standard deviation of q(z|x); if `encoder`
        reconstruct(x[, condition]) -> x               decode(encode(x)); if `encoder`

    Shapes are static: every input has `batch_size` rows but `seed` and `row`, which are int32 [1]. Only builtin
    operations are used. Inputs and outputs are float32 whatever is rounded; an unknown label, NaN and infinity give
    NaN. `litert_metadata` reads what the file says of them.

        quantize      networks                                    the rest     budget
        "none"        float32                                     float32      "relative" 1e-5
        "fp16"        float16 weights                             weights      "relative" 2e-3
        "dynamic"     int8 weights                                as it is     "spread" 0.2, "frechet_distance" 0.05
        "int8"        int8 weights and activations                "dynamic"    "spread" 0.2, "frechet_distance" 0.05

    Noise, and the formulas of condition, prior and likelihood, are float32 everywhere: one seed gives one picture. What
    chooses entries of a codebook has no int8 weights, because it would choose others; float16 ones choose others
    rarely, and the card says how often. The file is run in a process without TensorFlow, and judged by a thousand
    samples of the prior, before it is renamed into its place. Its card comes with it, `<path>.card.json` and, for
    people, `<path>.card.md`.

    Budgets, how far the file may differ from the model:

        "relative"          the largest difference, as a part of the largest value
        "spread"            the root mean square difference, as a part of the standard deviation of the values; for data
                            that are no images, such as tables and sequences, of each value over the samples
        "frechet_distance"  how much further from real examples its samples may be, as a part of the model's distance.
                            It needs `examples`: in the features of `classifier`, or without one, for data that are no
                            images, in the values themselves, each divided by its standard deviation

    Args:
        model: a model of keras_ae that was built, as `fit` and `load` do.
        path: where to put it; the name ends in `.tflite`. Missing parents are made, an older file is replaced.
        quantize: one of the table.
        batch_size: the number of rows of one call.
        encoder: whether `encode` and `reconstruct` are in the file.
        signatures: which of the four are in the file, such as `("decode",)`, in place of `encoder`. LiteRT for
            microcontrollers refuses a file with `generate`: it has no bitwise operations.
        inference_io: `"float32"`, or with `quantize="int8"` also `"int8"`, what TensorFlow's converter knows as
            `inference_input_type` and `inference_output_type`: for microcontrollers and accelerators that have integers
            only. Labels stay int32. Scale and zero point of the others are in `litert_metadata`. int8 has no NaN: a
            wrong input gives a wrong output. There is no `generate`, whose noise is float32, and no `scale` of
            `encode`.
        examples: real examples x, or (x, condition): int8 is calibrated with them, and the Frechet distance is to
            them. Without, calibration makes do with samples of the model.
        classifier: a Keras model from examples to class scores, as `kae.evaluate.train_classifier` gives: the export is
            judged by what it reads. It needs `examples`.
        budget: what the file may differ by, in place of the table: a dictionary such as {"spread": 0.3}, or a number:
            for "relative", and of 8 bits for "frechet_distance" where it is measured, else for "spread".
        notes: what only you know of inputs and outputs, for the metadata: {name: {"description", "unit", "range",
            "labels"}}, such as {"condition": {"labels": ["shirt", "shoe"]}}.
        details: what the card says of data, training and metrics, as `keras_ae.run.Run.details` gives it.
        license: of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is not a model of keras_ae, or `classifier` not one of Keras.
        ValueError: for a model that is not built or gives NaN, a layer without builtin operations, or wrong arguments.
        RuntimeError: if another process computes other outputs than the model, or a budget is missed. Nothing is
            changed then.
    """
    quantize = check_choice("quantize", quantize, QUANTIZE)
    batch_size, fields = check_size("batch_size", batch_size, high=MAX_ROWS), check_details(details, license)
    path = check_file(path, ".tflite")
    inference_io = check_choice("inference_io", inference_io, ("float32", "int8"))
    if inference_io == "int8" and quantize != "int8":
        raise ValueError(f"`inference_io='int8'` needs quantize='int8'. Received: quantize={quantize!r}")
    integer = inference_io == "int8"
    signatures = DeviceSignatures(model, batch_size, encoder=encoder, names=signatures, integer=integer)
    examples = Examples.of(model, examples)
    output = "z" if signatures.names == ["encode"] else "x"  # that it is judged by
    _check_classifier(examples, classifier, output)
    measures_distance = output == "x" and has_distance(model, classifier, examples)
    limits = budgets(budget, quantize, has_distance=measures_distance)
    judged = {"quantize": quantize, "budget": limits, "classifier": classifier, "examples": examples}
    described = descriptions(model, notes)
    calls = calibration(signatures, examples) if quantize == "int8" else None
    probes, choices = _probes(model, batch_size, quantize, names=signatures.names, examples=examples)
    probes = [_with_outputs(probe, signatures.chains[probe.signature][1]) for probe in probes]
    with staging(path) as stage:
        artifact = stage / "files" / path.name
        artifact.parent.mkdir()
        converted = convert(signatures, stage / "saved_model", quantize, calls)
        metadata = describe(model, tensors(converted), signatures.omitted, described)
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
            limits=(
                *choices,
                *_float_sentence(left),
                *_limits(quantize, batch_size, len(probes), limits, signatures.names, integer),
                *large(sizes, quantize),
            ),
            **fields,
        ).seal(artifact, probes[:-1])  # the last one has a thousand samples
        publish_files(artifact.parent, path)
    return card


def _check_classifier(examples, classifier, output):
    if classifier is not None and not isinstance(classifier, keras.Model):
        raise TypeError(f"`classifier` must be a Keras model. Received: {type(classifier).__name__}")
    if classifier is not None and examples is None:
        raise ValueError("`examples` must be given with `classifier`: the distance is to them. Received: examples=None")
    if classifier is not None and output == "z":
        raise ValueError("`classifier` must be left out of a file that gives no `x`. Received: signatures of `encode`")


def _probes(model, batch_size, quantize, **options):
    """The probes, and sentences on codes that rounding changes.

    float16 weights choose another entry of a codebook where two are nearly as near or as likely. So what chooses is
    compared with the rounded model, to the last entry; how often it is another than the model's is counted here.
    """
    probes = device_probes(model, batch_size, **options)
    if quantize != "fp16" or not isinstance(model.posterior_layer, VectorQuantizer):
        return probes, ()
    with rounded(model):
        others = device_probes(model, batch_size, **options)
    pairs, said = list(zip(probes, others, strict=True)), []
    if model.sampler is not None and probes[-1].signature == "decode":
        said.append(_choices("seeds", "z", *(pair.inputs for pair in pairs[-1])))  # codes of the prior
    for probe, other in pairs:
        if probe.signature == "encode":
            said.append(_choices("examples", "z", probe.outputs, other.outputs))
    return [probe if probe.signature == "decode" else other for probe, other in pairs], tuple(said)


def _with_outputs(probe, names):
    """A probe with only the outputs that the file gives."""
    return probe._replace(outputs={name: probe.outputs[name] for name in names})


def _float_sentence(operations):
    """A sentence on operations that the converter has left in float32, in a tuple."""
    return (f"Not all is int8: {', '.join(operations)} are computed in float32.",) if operations else ()


def _choices(what, name, *codes):
    first, second = (table[name] for table in codes)
    near = np.abs(first - second) <= HALF_TOLERANCE * np.abs(first).max()
    same = np.count_nonzero(near.all(axis=-1))
    return f"float16 weights can change the chosen entries of the codebook: {same} of {len(near)} {what} keep theirs."


def _limits(quantize, batch_size, calls, limits, names, integer):
    unsigned = "`generate` needs uint32 arithmetic: LiteRT has it, OpenVINO 2026.4 draws other pictures."
    accepted = (
        f"up to {FLOAT_TOLERANCE if quantize == 'none' else limits['relative']:g} of the largest value"
        if quantize in FLOATS
        else f"with a root mean square up to {limits['spread']:g} of the spread of the values"
    )
    unjudged = (
        "It was not judged by a classifier, nor by a distance to examples: how far its samples are from the model's is "
        "known, not how much worse they are.",
    )
    return (
        *(unjudged if quantize not in FLOATS and "frechet_distance" not in limits else ()),
        *((unsigned,) if "generate" in names else ()),
        f"Shapes are static: {batch_size} {'row' if batch_size == 1 else 'rows'} a call.",
        "int8 has no NaN: an unknown label, or a value that was clipped, gives a wrong picture, not an error."
        if integer
        else "An unknown label, NaN and infinity give a picture of NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls: differences {accepted} would have been accepted. Another processor "
        "or delegate, a GPU say, can round in other places.",
    )


def _sizes(model, artifact, quantize, names):
    networks = [
        *((model.decoder, model.likelihood_layer) if set(names) - {"encode"} else ()),
        *((model.encoder,) if {"encode", "reconstruct"} & set(names) else ()),
    ]
    total, weights = artifact.stat().st_size, sum(map(weight_bytes, networks))
    if total < _LEAST[quantize] * weights:
        raise RuntimeError(f"The export has lost weights: it has {total} bytes, they have {weights} bytes in float32.")
    # A prior with masks has weights that no sample depends on, and the converter leaves them out.
    return {"total": total, "weights": weights + (weight_bytes(model.sampler) if "generate" in names else 0)}


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
    layers = {layer.name for layer in layers_in(signatures.model)}
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
    except Exception as error:  # the converter's class is private
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
            warnings.simplefilter("ignore")  # the converter warns of its interpreter, for int8
            os.dup2(log.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
