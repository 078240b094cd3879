"""The quality of a quantized export: the distance of its samples from the model's samples and from real examples."""

from typing import Any

import keras
import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical
from keras_ae.evaluate import features, frechet_distance
from keras_ae.export.card.probe_file import Probe
from keras_ae.export.litert.calibration import RealExamples
from keras_ae.export.verification.comparison import HALF_TOLERANCE, ROUNDED_TOLERANCE, check_budget

# The default budgets: see `litert`.
BUDGETS = {
    "none": {"relative": 1e-5},
    "fp16": {"relative": HALF_TOLERANCE},
    "dynamic": {"spread": ROUNDED_TOLERANCE, "frechet_distance": 0.05},
    "int8": {"spread": ROUNDED_TOLERANCE, "frechet_distance": 0.05},
}
FLOATS = ("none", "fp16")
_MAX_REAL = 10_000  # maximum number of real examples for a distance
_MAX_AXES = 256  # maximum number of principal components for a distance between values


def has_distance(model: Autoencoder, classifier: keras.Model | None, examples: RealExamples | None) -> bool:
    """Whether to measure a distance to examples: in features of a classifier or, except for images, in the values."""
    return examples is not None and (classifier is not None or not _is_image(model))


def budgets(given: float | dict[str, float] | None, quantize: str, *, has_distance: bool) -> dict[str, float]:
    """Returns the budgets of an export, {name: number}: the user's, or by default `BUDGETS`.

    Raises:
        ValueError: for an invalid budget, or one that this export does not have.
    """
    limits = dict(BUDGETS[quantize])
    if not has_distance:
        limits.pop("frechet_distance", None)
    if given is None:
        return limits
    table = given if isinstance(given, dict) else {list(limits)[-1]: given}
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
            raise ValueError(
                f"`budget` must be a number >= 0, or a dictionary of such numbers. Received: budget={given!r}"
            )
        if name not in limits:
            others = set(BUDGETS[quantize]) - set(limits)
            needs = " ('frechet_distance' needs `examples`, and for images `classifier`)" if others else ""
            raise ValueError(
                f"`budget` of quantize={quantize!r} must name {' or '.join(map(repr, limits))}{needs}. "
                f"Received: {name!r}"
            )
    return {**limits, **table}


def judge(
    model: Autoencoder,
    probe: Probe,
    found: np.ndarray,
    *,
    quantize: str,
    budget: float | dict[str, float] | None = None,
    classifier: keras.Model | None = None,
    examples: RealExamples | None = None,
) -> dict[str, Any]:
    """Evaluates an export on samples of the prior, or on examples if it only has `encode` or `reconstruct`.

    Args:
        model: the model.
        probe: a probe of a thousand rows, with the model's output `x`, `z` of `encode`, or `score` of a detector.
        found: the export's output, [N, *event], [N, D] or [N].
        quantize: the quantization.
        budget: as in `litert`.
        classifier: a Keras model from examples to class scores, or `None`.
        examples: real examples for the Frechet distance, or `None`.

    Returns:
        Dictionary with "samples", "max", "rms", "relative" (the maximum difference relative to the largest value),
        "spread" (the root mean square difference relative to the spread) and "budget". If measured, it also has
        "frechet_distance" and "accuracy", of model and export. The accuracy needs a `Categorical` condition, or one
        property with as many classes as the classifier.

    Raises:
        RuntimeError: if a budget is exceeded.
    """
    output = next(name for name in ("x", "z", "score") if name in probe.outputs)
    has_x, expected = output == "x", probe.outputs[output]
    measures_distance = has_x and has_distance(model, classifier, examples)
    limits = budgets(budget, quantize, has_distance=measures_distance)
    difference = np.abs(found.astype(np.float64) - expected)
    size = float(np.abs(expected).max())
    measured = {
        "samples": len(expected),
        "max": _short(difference.max()),
        "rms": _short(np.sqrt(np.mean(difference**2))),
        "relative": _short(difference.max() / size) if size else 0.0,
        "spread": _short(_of_spread(difference, expected, by_value=has_x and not _is_image(model))),
    }
    for name in ("relative", "spread"):
        if name in limits:
            check_budget(name, quantize, f"`{probe.signature}`", measured[name], limits[name])
    if measures_distance and classifier is not None:
        measured |= _classify(model, classifier, {"model": expected, "export": found}, probe.inputs, examples)
    elif measures_distance and quantize not in FLOATS:
        real = examples.spread(min(len(examples.x), _MAX_REAL)).x
        measured["frechet_distance"] = _distances(*_standardized(real, expected, found))
    if "frechet_distance" in limits:
        change = measured["frechet_distance"]["change"]
        check_budget("frechet_distance", quantize, f"`{probe.signature}`", change, limits["frechet_distance"])
    return {**measured, "budget": limits, "standard_deviation": _short(expected.std())}


def _is_image(model):
    """Whether the examples are images [H, W, C]."""
    return len(model.event_shape) == 3


def _of_spread(difference, expected, *, by_value):
    """Returns the root mean square difference relative to the spread, of all values or per value over the samples."""
    axes = 0 if by_value else None
    mean_square, spread = np.mean(difference**2, axis=axes), expected.astype(np.float64).std(axis=axes)
    # Almost constant values have no spread: differences below a thousandth of the value do not count.
    least = 1e-3 * np.abs(expected).max(axis=axes)
    return np.sqrt(np.mean(mean_square / np.maximum(np.maximum(spread, least), 1e-12) ** 2))


def _standardized(real, *others):
    """Returns real and other data as standardized rows; if there are many values, their principal components."""
    real, *others = (x.reshape(len(x), -1).astype(np.float64) for x in (real, *others))
    mean, spread = real.mean(axis=0), real.std(axis=0)
    spread = np.maximum(spread, 0.01 * spread.max() or 1.0)  # a constant value would outweigh all others
    rows = [(x - mean) / spread for x in (real, *others)]
    if real.shape[1] <= _MAX_AXES:
        return rows
    _, axes = np.linalg.eigh(rows[0].T @ rows[0])
    return [x @ axes[:, -_MAX_AXES:] for x in rows]


def _classify(model, classifier, outputs, inputs, examples):
    """Returns Frechet distance and accuracy of the outputs of model and export by a classifier."""
    real = features(classifier, examples.spread(min(len(examples.x), _MAX_REAL)).x)
    report = {"frechet_distance": _distances(real, *(features(classifier, x) for x in outputs.values()))}
    classes = _classes(model.condition, classifier, inputs)
    if classes is not None:
        scores = {name: classifier.predict(x, batch_size=500, verbose=0) for name, x in outputs.items()}
        report["accuracy"] = {name: _short(np.mean(s.argmax(axis=-1) == classes)) for name, s in scores.items()}
    return report


def _distances(real, expected, found):
    """Returns the distances of "model" and "export" to real examples, and their relative "change"."""
    distance = {"model": frechet_distance(real, expected), "export": frechet_distance(real, found)}
    distance["change"] = distance["export"] / max(distance["model"], 1e-12) - 1.0
    return {name: _short(value) for name, value in distance.items()}


def _classes(condition, classifier, inputs):
    """Returns the classes [N] in the condition that the classifier predicts, or `None`."""
    if isinstance(condition, Categorical):
        return inputs["condition"]
    num, parts = classifier.output_shape[-1], {} if condition is None else condition.properties
    names = [name for name, part in parts.items() if isinstance(part, Categorical) and part.num_classes == num]
    return inputs[names[0]] if len(names) == 1 else None


def _short(value):
    return float(f"{float(value):.4g}")
