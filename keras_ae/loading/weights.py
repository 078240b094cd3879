"""Validation of the untrusted weights in a file, and a limit for the memory of the model that loads them."""

import contextlib
import inspect
import math
from collections.abc import Iterator
from typing import BinaryIO

import h5py
import keras
import numpy as np
import tensorflow as tf

# For variables that are not saved, such as the sums of metrics.
_SPARE_BYTES, _SPARE_VARIABLES = 1 << 20, 100


def stored_weights(stream: BinaryIO) -> tuple[int, int]:
    """Inspects an HDF5 file without reading its arrays.

    Returns:
        (number, bytes) of the arrays.

    Raises:
        ValueError: for links, and for compressed or external arrays, which could be larger than the file. Keras writes
            none of these.
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
        raise ValueError(f"its weights must be stored uncompressed in the file. Received: {item.name}")


@contextlib.contextmanager
def allowance(number: int, size: int) -> Iterator[None]:
    """Context that limits new variables to the weights of a file.

    Args:
        number: number of arrays in the file.
        size: their size in bytes.

    Raises:
        ValueError: for a variable above the limit, before its memory is allocated.
    """
    graph = tf.Graph()
    left = {"number": 2 * number + _SPARE_VARIABLES, "bytes": 2 * size + _SPARE_BYTES}

    def make(next_creator, **arguments):
        left["number"] -= 1
        with graph.as_default():  # so that initializers allocate no memory
            left["bytes"] -= _bytes(arguments.get("initial_value"), arguments.get("dtype"))
        if min(left.values()) < 0:
            raise ValueError(f"its config needs more weights than the {size} bytes in the file.")
        return next_creator(**arguments)

    with tf.variable_creator_scope(make):
        yield


def _bytes(value, dtype):
    """Returns the size of an initial value, or of the value that an initializer would return."""
    if not callable(value):
        return np.asarray(value).nbytes
    made = inspect.getclosurevars(value).nonlocals.get("self")  # the variable of Keras, with its shape
    if not isinstance(made, keras.Variable):
        made = tf.convert_to_tensor(value(), dtype)
    return math.prod(made.shape) * tf.as_dtype(made.dtype).size
