"""Is a rounded export good enough? How far its pictures are from the model's, and what a classifier makes of them."""

import numpy as np

from keras_ae.conditions import Categorical, Mixed
from keras_ae.evaluate import features, frechet_distance

# What an export may miss by, unless the user says otherwise. Of floats: the largest difference over a thousand samples
# of the prior, as a part of the largest value. Of int8: how much the Frechet distance to real examples may grow.
BUDGETS = {"none": 1e-5, "fp16": 2e-3, "dynamic": 0.05, "int8": 0.05}
FLOATS = ("none", "fp16")
_REAL = 10_000  # examples that a distance is taken to, at most
# 8-bit files of more than so many bytes of float32 weights should be no larger than this part of them.
_SMALL, _PART = 500_000, 0.3


def judge(model, probe, found, *, quantize, budget=None, classifier=None, examples=None):
    """Measures an export on samples of the prior.

    Args:
        model: the model.
        probe: the `Probe` of `decode`, with what the model makes of the codes.
        found: what the export makes of them, [N, *event].
        quantize: how it was converted.
        budget: what it may miss by, or `None` for that of `BUDGETS`.
        classifier: a Keras model from examples to class scores, or `None`.
        examples: `Examples` for the Frechet distance.

    Returns:
        Dictionary: "samples", "max", "rms" and "relative", the largest difference as a part of the largest value; with
        a classifier "frechet_distance", and "accuracy" where the condition is a `Categorical`, or has a single one with
        as many classes as the classifier, of model and export.

    Raises:
        RuntimeError: where the budget is missed.
    """
    expected = probe.outputs["x"]
    difference = np.abs(found.astype(np.float64) - expected)
    size = float(np.abs(expected).max())
    measured = {
        "samples": len(expected),
        "max": _short(difference.max()),
        "rms": _short(np.sqrt(np.mean(difference**2))),
        "relative": _short(difference.max() / size) if size else 0.0,
    }
    if classifier is not None:
        measured |= _read(model, classifier, {"model": expected, "export": found}, probe.inputs, examples)
    limit = BUDGETS[quantize] if budget is None else budget
    missed = None
    if quantize in FLOATS:
        measured["budget"] = {"relative": limit}
        if not measured["relative"] <= limit:
            missed = f"`decode` differs from the model by {measured['relative']:.2g} of the largest value"
    elif classifier is not None:
        measured["budget"] = {"frechet_distance": limit}
        if not measured["frechet_distance"]["change"] <= limit:
            missed = f"the Frechet distance grows by {measured['frechet_distance']['change']:.1%}"
    if missed:
        raise RuntimeError(f"The export misses its budget: {missed}, more than {limit:g}. `budget` allows another.")
    return measured


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
    distance = {name: frechet_distance(real, features(classifier, x)) for name, x in pictures.items()}
    change = distance["export"] / distance["model"] - 1.0
    report = {"frechet_distance": {name: _short(value) for name, value in (distance | {"change": change}).items()}}
    asked = _asked(model.condition, classifier, inputs)
    if asked is not None:
        scores = {name: classifier.predict(x, batch_size=500, verbose=0) for name, x in pictures.items()}
        report["accuracy"] = {name: _short(np.mean(s.argmax(axis=-1) == asked)) for name, s in scores.items()}
    return report


def _asked(condition, classifier, inputs):
    """The classes that were asked for, [N]; `None` where the condition has none that the classifier reads."""
    if isinstance(condition, Categorical):
        return inputs["condition"]
    if not isinstance(condition, Mixed):
        return None
    num = classifier.output_shape[-1]
    names = [
        name for name, part in condition.properties.items() if isinstance(part, Categorical) and part.num_classes == num
    ]
    return inputs[names[0]] if len(names) == 1 else None


def _short(value):
    return float(f"{float(value):.4g}")
