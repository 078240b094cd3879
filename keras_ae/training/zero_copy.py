"""Arrays as tensors that share their memory, if possible."""

import numpy as np
import tensorflow as tf

_ALIGNMENT = 64  # bytes, the alignment that TensorFlow's kernels may require
_SMALL = 2**16  # bytes; copying less costs less than avoiding the copy


def resident(array):
    """Returns a tensor that may share the memory of an array, which must not change afterwards.

    `tf.convert_to_tensor` copies a NumPy array twice. This function shares the memory of contiguous and aligned arrays,
    and copies others once. With a GPU, it copies.

    Args:
        array: array, tensor, or anything that `tf.convert_to_tensor` takes.

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
    """Returns an aligned copy."""
    memory = np.empty(array.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
