"""Identifies the parts of users' data: examples, condition and sample weights.

Data are arrays in memory, or a stream of batches: a `tf.data.Dataset`, a generator or a `keras.utils.PyDataset`. Either
may be x alone, (x, condition[, weight]), a list of these, or a dictionary with their names.
"""

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_ae.validation.arguments import MAX_ROWS, check_size

X_NAMES = ("x", "image")
CONDITION_NAMES = ("condition", "label", "y")
WEIGHT_NAME = "sample_weight"
EMPTY = "`x` must have at least one example. Received: an empty stream"


class Expected(NamedTuple):
    """The data that a model expects.

    Args:
        event_shape: the shape of an example, `None` if the model does not know it yet.
        properties: names of the properties of its condition; `("condition",)` for a single property, empty without.
    """

    event_shape: tuple | None = None
    properties: tuple = ()

    @classmethod
    def by(cls, model: keras.Model) -> "Expected":
        """What a model expects."""
        return cls(model.event_shape, () if model.condition is None else tuple(model.condition.properties))


def is_stream(x: Any) -> bool:
    """Whether `x` is a stream of batches, as opposed to data in memory."""
    return isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)) or hasattr(x, "__next__")


def parts_of(x, condition, weight, expected: Expected) -> tuple:
    """Returns (x, condition, weight) from data, or their specs, that may combine these in a list or a dictionary.

    Raises:
        ValueError: if the parts cannot be identified.
    """
    if isinstance(x, Mapping):
        found = _by_name(x, condition, expected)
    elif isinstance(x, (list, tuple)):
        found = _by_place(x, expected)
    elif isinstance(x, numbers.Number) or hasattr(x, "__array__") or hasattr(x, "shape"):
        return x, condition, weight
    else:
        raise ValueError(
            "`x` must be an array, a tf.data.Dataset, a generator or a keras.utils.PyDataset. "
            f"Received: {type(x).__name__}"
        )
    x, *others = found
    for name, given, inside in zip(("y", "sample_weight"), (condition, weight), others, strict=True):
        if given is not None and inside is not None:
            raise ValueError(f"`{name}` must be left out where `x` holds it already. Received: both")
    return x, condition if others[0] is None else others[0], weight if others[1] is None else others[1]


def parts_of_batch(batch, expected: Expected) -> tuple:
    """As `parts_of`, for one batch of a stream or its spec."""
    return parts_of(*keras.utils.unpack_x_y_sample_weight(batch), expected)


def unpacked(data) -> tuple:
    """Returns (x, condition, weight) of a tuple, as Keras does; anything else is x."""
    return keras.utils.unpack_x_y_sample_weight(data) if isinstance(data, tuple) else (data, None, None)


def _by_name(data, condition, expected):
    named = [name for name in X_NAMES if name in data]
    if len(named) != 1:
        raise ValueError(f"`x` must be named {_words(X_NAMES)} in a dictionary. Received: the names {_words(data)}")
    single = expected.properties == ("condition",)
    names = [name for name in (CONDITION_NAMES if single else expected.properties) if name in data]
    complete = bool(names) if single else len(names) == len(expected.properties)
    if condition is None and not complete:
        wanted = _words(CONDITION_NAMES) if single else _words(expected.properties, " and ")
        raise ValueError(
            f"`condition` must be named {wanted} in a dictionary, or be given as `y`. "
            f"Received: the names {_words(data)}"
        )
    if condition is None and names:
        condition = data[names[0]] if single else {name: data[name] for name in names}
        return data[named[0]], condition, data.get(WEIGHT_NAME)
    return data[named[0]], None, data.get(WEIGHT_NAME)


def _by_place(parts, expected):
    """Parts of a list of arrays as Keras' inputs: [x] or, for a conditional model, [x, condition]."""
    shapes = [_shape(part) for part in parts]
    if not parts or shapes[0] is None:  # nested lists of numbers
        return parts, None, None
    pair = len(parts) == 2 and bool(expected.properties)
    if not (pair and isinstance(parts, tuple)) and _are_examples(shapes, expected.event_shape):
        return parts, None, None
    if len(parts) == 1:
        return parts[0], None, None
    if pair:
        return *parts, None
    kinds = ", ".join("a dictionary" if shape is None else str(list(shape)) for shape in shapes)
    raise ValueError(
        "`x` must be one array, and a condition be given as `y`: fit(x, y). "
        f"Received: a {type(parts).__name__} of {len(parts)} arrays, {kinds}"
    )


def _are_examples(shapes, event_shape):
    """Whether each array of a list is one example. If the event shape is unknown: vectors, or more than 3 arrays."""
    if event_shape is not None:
        return shapes[0] == event_shape or len(shapes) > 3
    return len(shapes[0]) < 2 or len(shapes) > 3


def _shape(part):
    shape = getattr(part, "shape", None)
    if isinstance(shape, tf.TensorShape) and shape.rank is None:
        return None
    return None if shape is None else tuple(shape)


def _words(names, last=" or "):
    names = [f'"{name}"' for name in names]
    return last.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


# Arguments of `fit`.


def refused(x, name, value, instead) -> ValueError:
    """Returns the error for an argument that only applies to arrays."""
    return ValueError(
        f"`{name}` must be left out where `x` is not an array: {instead}. "
        f"Received: {name}={value} with a {type(x).__name__}"
    )


def check_batch_size(batch_size, name="batch_size", default=128) -> int:
    """Returns the batch size or its default, or raises a `ValueError`."""
    return default if batch_size is None else check_size(name, batch_size, high=MAX_ROWS)
