"""The weights in a file, and how much memory a model may take for those that it wants to have filled from there."""

import contextlib
import inspect
import math

import h5py
import keras
import numpy as np
import tensorflow as tf

# What a model makes and does not save, such as the sums of its metrics.
_SPARE_BYTES, _SPARE_VARIABLES = 1 << 20, 100


def stored_weights(stream):
    """Looks through an HDF5 file without reading any of its arrays.

    Args:
        stream: binary file object.

    Returns:
        (number, bytes) of the arrays.

    Raises:
        ValueError: for links, and for arrays that are compressed or lie elsewhere: Keras writes none of these, and they
            can claim to be larger than the file.
    """
    number = size = 0
    with h5py.File(stream, "r") as file:
        pending, seen = [file], {_address(file)}
        while pending:
            group = pending.pop()
            for name in group:
                item = group[name] if isinstance(group.get(name, getlink=True), h5py.HardLink) else None
                if item is None or _address(item) in seen:
                    raise ValueError(f"its weights must be arrays in groups. Received: a link, {name}")
                seen.add(_address(item))
                if isinstance(item, h5py.Group):
                    pending.append(item)
                    continue
                _check_array(item)
                number, size = number + 1, size + item.nbytes
    return number, size


def _address(item):
    return h5py.h5o.get_info(item.id).addr


def _check_array(item):
    plain = isinstance(item, h5py.Dataset) and not item.is_virtual and not item.external and item.chunks is None
    if not plain or item.dtype.hasobject or item.nbytes > item.id.get_storage_size():
        raise ValueError(f"its weights must be stored as they are. Received: {item.name}")


@contextlib.contextmanager
def allowance(number, size):
    """Within it, variables are made for as many weights as a file holds, and not for more.

    Args:
        number: how many arrays the file holds.
        size: their bytes.

    Raises:
        ValueError: for the variable that would be too much, before memory is taken for it.
    """
    graph = tf.Graph()
    left = {"number": 2 * number + _SPARE_VARIABLES, "bytes": 2 * size + _SPARE_BYTES}

    def make(next_creator, **arguments):
        left["number"] -= 1
        with graph.as_default():  # where a function takes no memory
            left["bytes"] -= _bytes(arguments.get("initial_value"), arguments.get("dtype"))
        if min(left.values()) < 0:
            raise ValueError(f"its config asks for more weights than the {size} bytes that it holds.")
        return next_creator(**arguments)

    with tf.variable_creator_scope(make):
        yield


def _bytes(value, dtype):
    """The size of what a variable starts with, a value or a function that makes it."""
    if not callable(value):
        return np.asarray(value).nbytes
    made = inspect.getclosurevars(value).nonlocals.get("self")  # of Keras: the variable, which knows its shape
    if not isinstance(made, keras.Variable):
        made = tf.convert_to_tensor(value(), dtype)
    return math.prod(made.shape) * tf.as_dtype(made.dtype).size
