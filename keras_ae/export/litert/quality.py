"""The quality of a rounded export: how far its samples are from the model's, and from real examples."""

import numpy as np

from keras_ae.conditions import Categorical
from keras_ae.evaluate import features, frechet_distance
from keras_ae.export.verification.comparison import HALF_TOLERANCE, ROUNDED_TOLERANCE, check_budget

# What an export may differ by, unless the user says otherwise: see `litert`.
BUDGETS = {
    "none": {"relative": 1e-5},
    "fp16": {"relative": HALF_TOLERANCE},
    "dynamic": {"spread": ROUNDED_TOLERANCE, "frechet_distance": 0.05},
    "int8": {"spread": ROUNDED_TOLERANCE, "frechet_distance": 0.05},
}
FLOATS = ("none", "fp16")
_REAL = 10_000  # examples that a distance is taken to, at most
_AXES = 256  # principal components of values that a distance is taken in, at most
# 8-bit files of more than so many bytes of float32 weights should be no larger than this part of them.
_SMALL, _PART = 500_000, 0.3


def has_distance(model, classifier, examples):
    """Whether a distance to examples is measured: by a classifier, else in the values of what is no image."""
    return examples is not None and (classifier is not None or not _is_image(model))


def budgets(given, quantize, *, has_distance):
    """The budgets of an export, {name: number}: those that a user gives, else the usual ones.

    Raises:
        ValueError: for what is none, or the budget of another export.
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


def judge(model, probe, found, *, quantize, budget=None, classifier=None, examples=None):
    """Measures an export on samples of the prior, or on examples where it has no signature that draws or decodes.

    Args:
        model: the model.
        probe: the `Probe` of a thousand rows, with what the model makes of them: `x`, or `z` of `encode`.
        found: what the export makes of them, [N, *event] or [N, D].
        quantize: how it was converted.
        budget: as in `litert`.
        classifier: a Keras model from examples to class scores, or `None`.
        examples: `Examples` for the Frechet distance.

    Returns:
        Dictionary: "samples", "max", "rms", "relative", the largest difference as a part of the largest value, and
        "spread", the root mean square difference as a part of the spread; where they are measured "frechet_distance",
        and "accuracy" where the condition is a `Categorical`, or has a single one with as many classes as the
        classifier, of model and export; and the "budget".

    Raises:
        RuntimeError: where a budget is missed.
    """
    pictures = "x" in probe.outputs
    expected = probe.outputs["x" if pictures else "z"]
    measures_distance = pictures and has_distance(model, classifier, examples)
    limits = budgets(budget, quantize, has_distance=measures_distance)
    difference = np.abs(found.astype(np.float64) - expected)
    size = float(np.abs(expected).max())
    measured = {
        "samples": len(expected),
        "max": _short(difference.max()),
        "rms": _short(np.sqrt(np.mean(difference**2))),
        "relative": _short(difference.max() / size) if size else 0.0,
        "spread": _short(_of_spread(difference, expected, by_value=pictures and not _is_image(model))),
    }
    for name in ("relative", "spread"):
        if name in limits:
            check_budget(name, quantize, f"`{probe.signature}`", measured[name], limits[name])
    if measures_distance and classifier is not None:
        measured |= _read(model, classifier, {"model": expected, "export": found}, probe.inputs, examples)
    elif measures_distance and quantize not in FLOATS:
        real = examples.spread(min(len(examples.x), _REAL)).x
        measured["frechet_distance"] = _distances(*_standardized(real, expected, found))
    if "frechet_distance" in limits:
        change = measured["frechet_distance"]["change"]
        check_budget("frechet_distance", quantize, f"`{probe.signature}`", change, limits["frechet_distance"])
    return {**measured, "budget": limits, "standard_deviation": _short(expected.std())}


def _is_image(model):
    """Whether data have height, width and channels: [H, W, C]."""
    return len(model.event_shape) == 3


def _of_spread(difference, expected, *, by_value):
    """The root mean square difference as a part of the spread, of all values or of each of them over the samples."""
    axes = 0 if by_value else None
    mean_square, spread = np.mean(difference**2, axis=axes), expected.astype(np.float64).std(axis=axes)
    # What hardly varies has no spread: a thousandth of its value is what can be distinguished.
    least = 1e-3 * np.abs(expected).max(axis=axes)
    return np.sqrt(np.mean(mean_square / np.maximum(np.maximum(spread, least), 1e-12) ** 2))


def _standardized(real, *others):
    """Real and other data as rows of values, each divided by its standard deviation; of many, principal components."""
    real, *others = (x.reshape(len(x), -1).astype(np.float64) for x in (real, *others))
    mean, spread = real.mean(axis=0), real.std(axis=0)
    spread = np.maximum(spread, 0.01 * spread.max() or 1.0)  # one that never varies would count more than all others
    rows = [(x - mean) / spread for x in (real, *others)]
    if real.shape[1] <= _AXES:
        return rows
    _, axes = np.linalg.eigh(rows[0].T @ rows[0])
    return [x @ axes[:, -_AXES:] for x in rows]


def large(sizes, quantize):
    """A sentence on an 8-bit file that is not as small as it should be, in a tuple; an empty one for any other.

    Args:
        sizes: {"total": bytes of the file, "weights": bytes of its weights in float32}.
        quantize: how it was converted.
    """
    if quantize in FLOATS or sizes["weights"] <= _SMALL or sizes["total"] <= _PART * sizes["weights"]:
        return ()
    part = f"{sizes['total'] / sizes['weights']:.3f}"
    return (f"It has {part} of the bytes of its weights in float32, more than {_PART:g}: not all of it is in 8 bits.",)


def _read(model, classifier, pictures, inputs, examples):
    """What a classifier makes of the pictures of model and export."""
    real = features(classifier, examples.spread(min(len(examples.x), _REAL)).x)
    report = {"frechet_distance": _distances(real, *(features(classifier, x) for x in pictures.values()))}
    classes = _classes(model.condition, classifier, inputs)
    if classes is not None:
        scores = {name: classifier.predict(x, batch_size=500, verbose=0) for name, x in pictures.items()}
        report["accuracy"] = {name: _short(np.mean(s.argmax(axis=-1) == classes)) for name, s in scores.items()}
    return report


def _distances(real, expected, found):
    """{"model", "export": the distance to real examples, "change": by how much the export's is larger}"""
    distance = {"model": frechet_distance(real, expected), "export": frechet_distance(real, found)}
    distance["change"] = distance["export"] / max(distance["model"], 1e-12) - 1.0
    return {name: _short(value) for name, value in distance.items()}


def _classes(condition, classifier, inputs):
    """The classes of the condition, [N]; `None` where the classifier reads none of them."""
    if isinstance(condition, Categorical):
        return inputs["condition"]
    num, parts = classifier.output_shape[-1], {} if condition is None else condition.properties
    names = [name for name, part in parts.items() if isinstance(part, Categorical) and part.num_classes == num]
    return inputs[names[0]] if len(names) == 1 else None


def _short(value):
    return float(f"{float(value):.4g}")
