"""Descriptions of the inputs and outputs of an export: meaning, unit, range and labels."""

import math

from keras_ae.conditions import Categorical
from keras_ae.io.json_files import check_json
from keras_ae.latents import StandardNormal
from keras_ae.random import MAX_SEED
from keras_ae.validation.arguments import Support

HOTTEST = 10.0  # temperature that a server takes
_NOTES = ("description", "unit", "range", "labels")


def descriptions(model, notes=None):
    """{name: {"description", "unit", "range", "labels"}} of all inputs and outputs that there may be.

    The range is [lowest, highest], each `None` where there is no end, or `None` for any finite number. A continuous
    property has "typical" too: most values of the training are in there.

    Args:
        model: a built `Autoencoder`.
        notes: the same for some of them, with some of the fields: what only a user knows.

    Raises:
        ValueError: for other names or fields, labels that are not one a class, or what JSON does not have.
    """
    known, notes = _known(model), {} if notes is None else notes
    if not isinstance(notes, dict):
        raise ValueError(f"`notes` must be a dictionary {{name: {{{', '.join(_NOTES)}}}}}. Received: {notes!r}")
    for name, fields in check_json("notes", notes).items():
        if name not in known or not isinstance(fields, dict) or set(fields) - set(_NOTES):
            raise ValueError(f"`notes` must be of {sorted(known)}, with {_NOTES}. Received: {name!r}: {fields!r}")
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
        "seed": _note("One seed gives one picture, here and in Keras.", allowed=[0, MAX_SEED]),
        "row": _note("The number of the first picture of the seed.", allowed=[0, MAX_SEED]),
        "num": _note("How many pictures.", "pictures", [1, None]),
        "z": _note("A code, drawn from the prior or encoded.", codes),
        "scale": _note("The standard deviation of the code of an example.", codes, [0, None]),
        "x": _note("An example, or the mean of p(x given z).", *_values(model)),
        "temperature": _note("Codes are drawn from a prior of so many times the scale.", allowed=[0, HOTTEST]),
        "png_bytes": _note("The picture as a PNG file, 8 bits a value."),
        "elbo": _note("A lower bound of log p(x) in expectation: -(KL + reconstruction).", "nats"),
        "kl": _note("KL(q(z given x) || p(z)), or its estimate.", "nats"),
        "reconstruction": _note("-log p(x given z).", "nats"),
        "outlier_score": _note("The share of the reference examples that are likelier than this one.", allowed=[0, 1]),
    }
    if model.condition is not None:
        for name, part in getattr(model.condition, "properties", {"condition": model.condition}).items():
            known[name] = _property(part)
    return known


def _unit_of_codes(model):
    prior = model.prior_layer
    if isinstance(prior, StandardNormal):
        return "standard deviations of the prior"
    return "that of the encoder" if prior is None else f"that of the prior, {type(prior).__name__}"


def _values(model):
    """Unit and range of an example."""
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
