"""Arrays in memory as tensors, with no copy where TensorFlow can read them as they are."""

import numpy as np
import tensorflow as tf

_ALIGNMENT = 64  # bytes: what TensorFlow's kernels may ask of the start of a tensor
_SMALL = 2**16  # bytes: below, a copy costs less than finding out whether one is needed


def resident(array):
    """A tensor with the values of an array, for as long as the array is not changed.

    `tf.convert_to_tensor` copies an array of NumPy twice. Here an array that lies in memory as tensors do is shared,
    and any other is copied once. A GPU gets its own copy.

    Args:
        array: array, tensor, or what can be made one.

    Returns:
        `tf.Tensor` of the same shape and dtype.
    """
    if not _is_large(array) or tf.config.list_logical_devices("GPU"):
        return tf.convert_to_tensor(array)
    if not (array.flags.c_contiguous and array.flags.writeable and array.ctypes.data % _ALIGNMENT == 0):
        array = _aligned(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def _is_large(array):
    is_array = isinstance(array, np.ndarray) and array.dtype.kind in "iuf" and array.dtype.isnative
    return is_array and array.nbytes >= _SMALL


def _aligned(array):
    """A copy that begins where a tensor may begin."""
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
