"""Arrays as tensors without copies: the values are those of the array, whatever it looks like in memory."""

import gc

import numpy as np
import pytest
import tensorflow as tf

from keras_ae.training.stacks import Stacks
from keras_ae.training.zero_copy import resident

SHAPE = (300, 28, 28, 1)


def aligned(shape=SHAPE, dtype=np.float32, offset=0):
    """Numbers that begin `offset` bytes after a multiple of 64."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(count + 128, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    array = memory[start : start + count].view(dtype).reshape(shape)
    array[...] = np.random.default_rng(0).integers(0, 200, shape)
    return array


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64", "uint8"])
@pytest.mark.parametrize("offset", [0, 16])
def test_values_shape_and_dtype_are_those_of_the_array(dtype, offset):
    x = aligned(dtype=dtype, offset=offset)
    tensor = resident(x)
    assert tensor.dtype == dtype and tensor.shape == x.shape
    np.testing.assert_array_equal(tensor.numpy(), x)


def test_an_array_that_lies_as_a_tensor_does_is_shared_and_outlives_its_name():
    x = aligned()
    tensor = Stacks({"x": x}, 100, 3).tensors["x"]
    x[7] = 0.25
    assert (tensor[7].numpy() == 0.25).all()  # no copy
    values = x.copy()
    del x
    gc.collect()
    np.testing.assert_array_equal(tensor.numpy(), values)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x: x[::2], id="every other row"),
        pytest.param(lambda x: np.asfortranarray(x), id="columns first"),
        pytest.param(lambda x: x.astype(">f4"), id="the other order of bytes"),
        pytest.param(lambda x: x[:1], id="small"),
        pytest.param(lambda x: x[:0], id="empty"),
        pytest.param(lambda x: x > 5, id="true and false"),
        pytest.param(lambda x: np.broadcast_to(x[:1], SHAPE), id="one row many times"),
        pytest.param(tf.constant, id="a tensor"),
    ],
)
def test_any_other_array_is_copied_and_equal(change):
    x = change(aligned())
    np.testing.assert_array_equal(resident(x).numpy(), np.asarray(x))


def test_a_read_only_array_is_copied():
    x = aligned()
    x.flags.writeable = False
    np.testing.assert_array_equal(resident(x).numpy(), x)
    assert not x.flags.writeable
