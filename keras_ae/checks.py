"""The doors: what comes from outside is checked here, in NumPy for arrays and in the graph for streams and servers."""

import numpy as np
import tensorflow as tf


def check_array(x, name, *, event_shape=None, support=None):
    """Returns `x` as a finite float32 array of examples.

    Args:
        x: array-like [N, *event].
        name: what to call it in an error.
        event_shape: the shape that each example must have, or `None` for any.
        support: (low, high) that the values must keep to, or `None` for all finite numbers.

    Raises:
        ValueError: for other dtypes or shapes, no examples, NaN, infinity or values out of range.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must hold numbers. Received: dtype {x.dtype}")
    if x.ndim < 2 or (event_shape is not None and x.shape[1:] != tuple(event_shape)):
        wanted = "[N, ...], one example a row" if event_shape is None else f"[N, {', '.join(map(str, event_shape))}]"
        raise ValueError(f"`{name}` must have shape {wanted}. Received: {list(x.shape)}")
    if not x.size:
        raise ValueError(f"`{name}` must have at least one example. Received: shape {list(x.shape)}")
    x = x.astype(np.float32, copy=False)
    low, high = x.min(), x.max()  # NaN and infinity show up in these two, without a third pass
    if not np.isfinite(low) or not np.isfinite(high):
        row = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))[0]
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinity in example {row}")
    if support is not None and (low < support[0] or high > support[1]):
        hint = " Divide 8-bit images by 255." if support[0] <= low and 1 < high <= 255 else ""
        raise ValueError(
            f"`{name}` must be in [{support[0]:g}, {support[1]:g}]. Received: values in [{low:g}, {high:g}].{hint} "
            'For data of another range choose likelihood="normal".'
        )
    return x


def check_weights(weights, num):
    """Returns the weights of `num` examples as float32 [num], or raises a `ValueError`."""
    weights = np.asarray(weights, np.float32)
    if weights.shape not in ((num,), (num, 1)) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"`sample_weight` must be {num} finite numbers >= 0, one an example. "
            f"Received: an array of shape {weights.shape}"
        )
    return weights.reshape(num)


def guard(x, name, *, support=None):
    """The same checks inside a graph: returns `x`, and fails with INVALID_ARGUMENT and a sentence when it runs.

    Args:
        x: float tensor.
        name: what to call it in the sentence.
        support: as in `check_array`.
    """
    valid, wanted = tf.math.is_finite(x), "finite"
    if support is not None:
        # NaN compares false, so that this holds both.
        valid, wanted = tf.logical_and(x >= support[0], x <= support[1]), f"in [{support[0]:g}, {support[1]:g}]"
    return require(x, tf.reduce_all(valid), f"`{name}` must be {wanted}.")


def require(tensor, condition, sentence):
    """Returns `tensor`; where the boolean scalar `condition` is false, running it fails with the sentence."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [sentence])]):
        return tf.identity(tensor)
