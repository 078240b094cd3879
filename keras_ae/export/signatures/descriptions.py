"""Descriptions of the inputs and outputs of an export: meaning, unit, range and labels."""

import math
from typing import Any

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical
from keras_ae.export.signatures.detector import DetectorSignature
from keras_ae.io.json_files import check_json
from keras_ae.latents import StandardNormal
from keras_ae.random import MAX_SEED
from keras_ae.validation.arguments import Support

MAX_TEMPERATURE = 10.0  # of a server
_NOTES = ("description", "unit", "range", "labels")


def descriptions(
    model: Autoencoder, notes: dict[str, dict] | None = None, detector: DetectorSignature | None = None
) -> dict[str, dict[str, Any]]:
    """Returns {name: {"description", "unit", "range", "labels"}} for all possible inputs and outputs.

    The range is [lowest, highest], with `None` for no limit, or `None` for any finite number. A continuous property
    also has "typical", the range of most values in training.

    Args:
        model: a built model.
        notes: descriptions from the user, in the same form, which replace some of these fields.
        detector: the detector in the export, or `None`.

    Raises:
        ValueError: for unknown names or fields, a wrong number of labels, or values that JSON does not support.
    """
    known, notes = _known(model), {} if notes is None else notes
    if detector is not None:
        known |= _of_detector(detector)
    if not isinstance(notes, dict):
        raise ValueError(f"`notes` must be a dictionary {{name: {{{', '.join(_NOTES)}}}}}. Received: {notes!r}")
    for name, fields in check_json("notes", notes).items():
        if name not in known or not isinstance(fields, dict) or set(fields) - set(_NOTES):
            raise ValueError(
                f"`notes` must describe some of {sorted(known)}, with {_NOTES}. Received: {name!r}: {fields!r}"
            )
        _check_labels(name, fields.get("labels"), known[name]["range"])
        known[name] |= fields
    return known


def _check_labels(name, labels, allowed):
    if labels is None:
        return
    if not isinstance(labels, list):
        raise ValueError(f"`notes` must have a list of labels for {name!r}. Received: {labels!r}")
    classes = allowed[1] + 1 if allowed and isinstance(allowed[1], int) else 0
    if len({str(label) for label in labels}) != classes:
        raise ValueError(f"`notes` must have {classes} different labels for {name!r}. Received: {labels[:20]}")


def _known(model):
    codes = _unit_of_codes(model)
    known = {
        "seed": _note("The same seed gives the same samples here and in Keras.", allowed=[0, MAX_SEED]),
        "row": _note("The number of the first sample of the seed.", allowed=[0, MAX_SEED]),
        "num": _note("The number of samples.", "samples", [1, None]),
        "z": _note("A code, sampled from the prior or encoded.", codes),
        "scale": _note("The standard deviation of the code of an example.", codes, [0, None]),
        "x": _note("An example, or the mean of p(x given z).", *_values(model)),
        "temperature": _note("The factor of the prior's scale for samples.", allowed=[0, MAX_TEMPERATURE]),
        "png_bytes": _note("The image as a PNG file with 8 bits per value."),
        "elbo": _note("A lower bound of log p(x) in expectation: -(KL + reconstruction).", "nats"),
        "kl": _note("KL(q(z given x) || p(z)), or its estimate.", "nats"),
        "reconstruction": _note("-log p(x given z).", "nats"),
        "outlier_score": _note("The fraction of reference examples that are more likely.", allowed=[0, 1]),
    }
    if model.condition is not None:
        for name, part in model.condition.properties.items():
            known[name] = _property(part)
    return known


def _of_detector(detector):
    facts = detector.facts
    known = {
        "score": _note("How unusual an example is; higher is more anomalous. It is minus `score_samples`."),
        "p_value": _note("The conformal p-value: small for outliers.", allowed=[facts["smallest_p_value"], 1]),
        "outlier": _note(f"1 where the score is above {facts['threshold']:.6g}, else 0.", allowed=[0, 1]),
    }
    if "scale" in facts:
        known["x"] = _note(
            "An example: of `score` as in `fit`, of other signatures (x - loc) / scale.", "see `detector`"
        )
    return known


def _unit_of_codes(model):
    prior = model.prior_layer
    if isinstance(prior, StandardNormal):
        return "standard deviations of the prior"
    return "same as the encoder" if prior is None else f"same as the prior, {type(prior).__name__}"


def _values(model):
    """Returns the unit and the range of examples."""
    support = model.likelihood_layer.support
    if support is None:
        return "same as the data", None
    support = Support(*support)
    unit = "gray level, 0 to 1" if support[:2] == (0.0, 1.0) else "counts" if support.whole else "same as the data"
    return unit, [float(end) if math.isfinite(end) else None for end in support[:2]]


def _property(part):
    if isinstance(part, Categorical):
        labels = None if part.vocabulary is None else list(part.vocabulary)
        return {**_note("The class.", allowed=[0, part.num_classes - 1]), "labels": labels}
    loc, reach = part.loc.numpy().astype(float), 2.0 * part.scale.numpy().astype(float)
    low, high = ([float(f"{value:.6g}") for value in values] for values in (loc - reach, loc + reach))
    typical = [low[0], high[0]] if part.dim == 1 else [low, high]
    return {**_note("A property; most values are in `typical`.", "same as the data"), "typical": typical}


def _note(description, unit="1", allowed=None):
    return {"description": description, "unit": unit, "range": allowed, "labels": None}
