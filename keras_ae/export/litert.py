import json

import keras

from keras_ae.checks import MAX_ROWS, check_choice, check_size
from keras_ae.export.calibration import calibration
from keras_ae.export.card import check_details, make_card, omitted, versions, weight_bytes
from keras_ae.export.comparison import FLOAT_TOLERANCE, HALF_TOLERANCE, ROUNDED_TOLERANCE, answers, compare
from keras_ae.export.conversion import QUANTIZE, convert
from keras_ae.export.device import DeviceSignatures
from keras_ae.export.examples import Examples
from keras_ae.export.flatbuffer import pack, tensors
from keras_ae.export.meanings import meanings
from keras_ae.export.metadata import NAME, describe
from keras_ae.export.place import check_file, publish, staging
from keras_ae.export.probes import device_probes
from keras_ae.export.quality import FLOATS, judge, large

# The least a file can weigh, as a part of the float32 weights: float32 keeps them, int8 keeps a quarter.
_LEAST = {"none": 0.9, "fp16": 0.45, "dynamic": 0.2, "int8": 0.2}


def litert(
    model,
    path,
    *,
    quantize="none",
    batch_size=1,
    encoder=False,
    examples=None,
    classifier=None,
    budget=None,
    notes=None,
    details=None,
    licence=None,
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
        "none"        float32                                     float32      1e-5 of the largest value
        "fp16"        float16 weights                             as "none"    2e-3 of the largest value
        "dynamic"     int8 weights                                as it is     a Frechet distance 5 % larger
        "int8"        int8 weights and activations                "dynamic"    a Frechet distance 5 % larger

    Noise, and the formulas of condition, prior and likelihood, are float32 everywhere: one seed gives one picture. What
    chooses entries of a codebook is rounded to "the rest" at most, because it would choose others. The file is run in a
    process without TensorFlow, and judged by a thousand samples of the prior, before it is renamed into its place. Its
    card comes with it, `<path>.card.json` and, for people, `<path>.card.md`.

    Args:
        model: a model of keras_ae that was built, as `fit` and `load` do.
        path: where to put it; the name ends in `.tflite`. Missing parents are made, an older file is replaced.
        quantize: one of the table.
        batch_size: the number of rows of one call.
        encoder: whether `encode` and `reconstruct` are in the file.
        examples: real examples x, or (x, condition): int8 is calibrated with them, and the Frechet distance is to
            them. Without, calibration makes do with samples of the model.
        classifier: a Keras model from examples to class scores, as `kae.evaluate.train_classifier` gives: the export is
            judged by what it reads. It needs `examples`.
        budget: what the export may miss by, in place of the table.
        notes: what only you know of inputs and outputs, for the metadata: {name: {"description", "unit", "range",
            "labels"}}, such as {"condition": {"labels": ["shirt", "shoe"]}}.
        details: what the card says of data, training and metrics, as `keras_ae.run.Run.details` gives it.
        licence: of the weights, for the card.

    Returns:
        The `Card`.

    Raises:
        TypeError: if `model` is not a model of keras_ae, or `classifier` not one of Keras.
        ValueError: for a model that is not built or gives NaN, a layer without builtin operations, or wrong arguments.
        RuntimeError: if the file does not do in another process what the model does, or misses its budget. Nothing is
            changed then.
    """
    quantize = check_choice("quantize", quantize, QUANTIZE)
    batch_size, fields = check_size("batch_size", batch_size, high=MAX_ROWS), check_details(details, licence)
    path = check_file(path, ".tflite")
    signatures = DeviceSignatures(model, batch_size, encoder=encoder)
    examples = Examples.of(model, examples)
    _check_judges(quantize, examples, classifier, budget)
    judged = {"quantize": quantize, "budget": budget, "classifier": classifier, "examples": examples}
    meanings(model, notes)  # wrong notes are said before the work begins
    calls = calibration(signatures, examples) if quantize == "int8" else None
    probes = device_probes(model, batch_size, encoder=encoder, examples=examples)
    with staging(path) as stage:
        artifact = stage / "files" / path.name
        artifact.parent.mkdir()
        converted = convert(signatures, stage / "saved_model", quantize, calls)
        metadata = describe(model, tensors(converted), omitted(model), meanings(model, notes))
        artifact.write_bytes(pack(converted, {NAME: json.dumps(metadata).encode()}))
        sizes = _sizes(model, artifact, quantize, encoder)
        report = compare("litert", artifact, probes, stage, quantize=quantize, budget=budget)
        quality = judge(model, probes[-1], answers(stage, len(probes) - 1)["x"], **judged)
        card = make_card(
            model,
            path,
            report,
            format="litert",
            quantize=quantize,
            bytes=sizes,
            quality=quality,
            versions=versions("tensorflow", "keras", "numpy", "ai-edge-litert"),
            notes=notes,
            limits=(*_limits(quantize, batch_size, len(probes), budget, classifier), *large(sizes, quantize)),
            **fields,
        ).seal(artifact, probes[:-1])  # the last one has a thousand samples
        publish(artifact.parent, path)
    return card


def _check_judges(quantize, examples, classifier, budget):
    if classifier is not None and not isinstance(classifier, keras.Model):
        raise TypeError(f"`classifier` must be a Keras model. Received: {type(classifier).__name__}")
    if classifier is not None and examples is None:
        raise ValueError("`examples` must be given with `classifier`: the distance is to them. Received: examples=None")
    if budget is None:
        return
    if isinstance(budget, bool) or not isinstance(budget, (int, float)) or not budget >= 0:
        raise ValueError(f"`budget` must be a number >= 0. Received: budget={budget!r}")
    if classifier is None and quantize not in FLOATS:
        raise ValueError(
            f"`budget` of {quantize!r} is a Frechet distance: give `classifier`. Received: classifier=None"
        )


def _limits(quantize, batch_size, calls, budget, classifier):
    largest = FLOAT_TOLERANCE if quantize == "none" else max(HALF_TOLERANCE, budget or 0.0)
    accepted = (
        f"up to {largest:g} of the largest value"
        if quantize in FLOATS
        else f"with a root mean square up to {ROUNDED_TOLERANCE:g} of the spread of the values"
    )
    unjudged = (
        "It was not judged by a classifier: how far its pictures are from the model's is known, not how much worse "
        "they are.",
    )
    return (
        *(unjudged if classifier is None and quantize not in FLOATS else ()),
        f"Shapes are static: {batch_size} {'row' if batch_size == 1 else 'rows'} a call.",
        "An unknown label, NaN and infinity give a picture of NaN, not an error. Other values are not checked.",
        f"Compared with the model in {calls} calls: differences {accepted} would have been accepted. Another processor "
        "or delegate, a GPU say, can round in other places.",
    )


def _sizes(model, artifact, quantize, encoder):
    parts = [model.decoder, model.likelihood_layer, model.sampler, model.encoder if encoder else None]
    total, weights = artifact.stat().st_size, sum(weight_bytes(part) for part in parts if part is not None)
    if total < _LEAST[quantize] * weights:
        raise RuntimeError(f"The export has lost weights: it has {total} bytes, they have {weights} bytes in float32.")
    return {"total": total, "weights": weights}
