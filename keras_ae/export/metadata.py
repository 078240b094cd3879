"""What a .tflite file says of itself: names, units, ranges and labels of all that goes in and comes out."""

import json
import math
import pathlib
import struct

from ai_edge_litert import schema_py_generated as schema

import keras_ae
from keras_ae.conditions import Categorical
from keras_ae.random import MAX_SEED

NAME = "keras_ae"  # of the buffer in the file
_FORMAT = 1
_NOTES = ("description", "unit", "range", "labels")


def describe(model, signatures, omitted, notes):
    """The metadata of a .tflite file, a dictionary for JSON.

    Args:
        model: the model.
        signatures: {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}}.
        omitted: {signature: why it is not there}.
        notes: the dictionary of `complete`.
    """
    return {
        "format": _FORMAT,
        "producer": f"keras_ae {keras_ae.__version__}",
        "model": type(model).__name__,
        "omitted": omitted,
        "signatures": {
            signature: {
                side: {name: {**tensor, **notes[name]} for name, tensor in tensors.items()}
                for side, tensors in sides.items()
            }
            for signature, sides in signatures.items()
        },
    }


def complete(model, notes=None):
    """{name: {"description", "unit", "range", "labels"}} of all inputs and outputs that there may be.

    Args:
        model: the model.
        notes: the same for some of them, with some of the fields: what only a user knows.

    Raises:
        ValueError: for other names or fields, or labels that are not one a class.
    """
    known = _known(model)
    for name, fields in (notes or {}).items():
        if name not in known or not isinstance(fields, dict) or set(fields) - set(_NOTES):
            raise ValueError(f"`notes` must be of {sorted(known)}, with {_NOTES}. Received: {name!r}: {fields!r}")
        _check_labels(name, fields.get("labels"), known[name]["range"])
        known[name] |= fields
    return known


def litert_metadata(path):
    """What a .tflite file that `kae.export.litert` wrote says of itself.

    Args:
        path: the file.

    Returns:
        Dictionary: "signatures" is {signature: {"inputs" and "outputs": {name: {"dtype", "shape", "description",
        "unit", "range", "labels"}}}}, with null where there is none; "omitted" says why a signature is not there.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is no .tflite file, or was written by something else.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    content = path.read_bytes()
    try:
        text = _read(content)
        metadata = None if text is None else json.loads(text)
    except (struct.error, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} could not be read as a .tflite file: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("format") != _FORMAT:
        raise ValueError(f"{path} must hold metadata of keras_ae, format {_FORMAT}: export the model again.")
    return metadata


def _read(content):
    """The bytes of the metadata in the content of a file; `None` where it has none."""
    if content[4:8] != b"TFL3":
        raise ValueError("it does not begin like one.")
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        if model.Metadata(index).Name() == NAME.encode():
            return model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy().tobytes()
    return None


def _check_labels(name, labels, allowed):
    classes = allowed[1] + 1 if allowed and isinstance(allowed[1], int) else 0
    if labels is not None and len({str(label) for label in labels}) != classes:
        raise ValueError(f"`notes` must have {classes} different labels for {name!r}. Received: {list(labels)[:20]}")


def _known(model):
    support = model.likelihood_layer.support
    known = {
        "seed": _note("One seed gives one picture, here and in Keras.", [0, MAX_SEED]),
        "row": _note("The number of the first picture of the seed.", [0, MAX_SEED]),
        "z": _note("A code, drawn from the prior or encoded."),
        "scale": _note("The standard deviation of the code of an example."),
        "x": _note("An example, or the mean of p(x given z).", None if support is None else _finite(support[:2])),
    }
    if model.condition is not None:
        for name, part in getattr(model.condition, "properties", {"condition": model.condition}).items():
            known[name] = _property(part)
    return known


def _property(part):
    if isinstance(part, Categorical):
        return _note("The class.", [0, part.num_classes - 1])
    loc, reach = part.loc.numpy().astype(float), 2.0 * part.scale.numpy().astype(float)
    low, high = ([float(f"{value:.6g}") for value in values] for values in (loc - reach, loc + reach))
    typical = [low[0], high[0]] if part.dim == 1 else [low, high]
    return {**_note("A property; most values are in `typical`."), "typical": typical}


def _note(description, allowed=None):
    return {"description": description, "unit": "1", "range": allowed, "labels": None}


def _finite(bounds):
    return [float(bound) if math.isfinite(bound) else None for bound in bounds]
