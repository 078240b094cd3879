"""The checks that all data goes through. Errors name the array or file, and the first index that is wrong."""

import numpy as np


def check(x, name="x", *, low=0.0, high=1.0, indices=None):
    """Returns examples as float32, or says what is wrong with them.

    Args:
        x: array [N, ...] of floats or booleans.
        name: what to call it in an error: an argument or a file.
        low, high: the range the values must be in; `None` for no bound.
        indices: the numbers [N] that errors give for the examples; 0 ... N - 1 without.

    Returns:
        float32 array [N, ...]; `x` itself where it is that already.

    Raises:
        ValueError: for a wrong dtype or shape, no examples, NaN, infinity or values out of range.

    Example:
        >>> import numpy as np
        >>> check(np.array([[0.0], [-2.0]]))
        Traceback (most recent call last):
        ...
        ValueError: `x` must be in [0, 1]. Received: -2 at index (1, 0)
    """
    x = np.asarray(x)
    wanted = f" in [{low:g}, {high:g}]" if low is not None and high is not None else ""
    if x.dtype.kind in "iu":
        hint = " Divide 8-bit images by 255: x.astype('float32') / 255." if x.dtype.itemsize == 1 else ""
        raise ValueError(f"`{name}` must be floats{wanted}.{hint} Received: dtype {x.dtype}")
    if x.dtype.kind not in "fb":
        raise ValueError(f"`{name}` must be floats{wanted}. Received: dtype {x.dtype}")
    if x.ndim < 2 or x.size == 0:
        raise ValueError(f"`{name}` must have shape [N, ...] and hold an example. Received: shape {list(x.shape)}")
    x = x.astype(np.float32, copy=False)
    _finite_and_in_range(x, name, low, high, indices)
    return x


def _finite_and_in_range(x, name, low, high, indices):
    # NaN compares false, so that the extremes alone tell whether anything is wrong.
    smallest, largest = x.min(), x.max()
    if not (np.isfinite(smallest) and np.isfinite(largest)):
        raise ValueError(f"`{name}` must be finite. Received: {_first(x, ~np.isfinite(x), indices)}")
    if low is not None and not smallest >= low:
        raise ValueError(f"`{name}` must be {_range(low, high)}. Received: {_first(x, x < low, indices)}")
    if high is not None and not largest <= high:
        hint = " Divide 8-bit images by 255." if high == 1 and 1.5 < largest <= 255 else ""
        raise ValueError(f"`{name}` must be {_range(low, high)}.{hint} Received: {_first(x, x > high, indices)}")


def _range(low, high):
    if low is None:
        return f"<= {high:g}"
    return f">= {low:g}" if high is None else f"in [{low:g}, {high:g}]"


def _first(x, wrong, indices):
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), x.shape))
    value = x[place]
    if indices is not None:
        place = (int(indices[place[0]]), *place[1:])
    return f"{value:g} at index {place}"


def check_labels(y, size, name="y"):
    """Returns labels as int32 [N], or a dict of arrays [N, ...] as it is.

    Raises:
        ValueError: if they are not whole numbers >= 0, or not one for each of the `size` examples.
    """
    if isinstance(y, dict):
        return {key: _check_length(np.asarray(value), size, f"{name}[{key!r}]") for key, value in y.items()}
    y = _check_length(np.asarray(y), size, name)
    if y.ndim != 1:
        raise ValueError(f"`{name}` must have shape [N]. Received: shape {list(y.shape)}")
    if y.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must be whole numbers >= 0. Received: dtype {y.dtype}")
    wrong = ~np.isfinite(y) | (y < 0) | (y % 1 != 0) | (y >= 2**31)
    if wrong.any():
        index = int(np.argmax(wrong))
        raise ValueError(f"`{name}` must be whole numbers >= 0. Received: {y[index]} at index {index}")
    return y.astype(np.int32)


def _check_length(y, size, name):
    if y.ndim == 0 or len(y) != size:
        raise ValueError(f"`{name}` must have one entry for each of {size} examples. Received: shape {list(y.shape)}")
    return y


def check_dataset(dataset, name="dataset", *, low=0.0, high=1.0):
    """A `tf.data.Dataset` of your own, with its batches checked as they pass.

    Args:
        dataset: elements x or (x, y), x float batches [B, ...].
        name: what to call it in an error.
        low, high: the range the values must be in.

    Returns:
        The same elements; the attribute `epoch` is kept if there is one. A batch with NaN, infinity or a value out of
        range stops the iteration with a `tf.errors.InvalidArgumentError` that gives its number and the value.

    Raises:
        ValueError: if it is not a dataset, or x is not a batch of floats.
    """
    import tensorflow as tf

    if not isinstance(dataset, tf.data.Dataset):
        raise ValueError(f"`{name}` must be a tf.data.Dataset. Received: {type(dataset).__name__}")
    spec = dataset.element_spec
    spec = spec[0] if isinstance(spec, tuple) else spec
    if not isinstance(spec, tf.TensorSpec) or not spec.dtype.is_floating or spec.shape.rank in (0, 1):
        hint = " Divide 8-bit images by 255, and batch the examples."
        raise ValueError(f"`{name}` must give float batches x [B, ...], or (x, y).{hint} Received: {spec}")

    def examine(number, element):
        x = element[0] if isinstance(element, tuple) else element
        fine = tf.reduce_all((x >= low) & (x <= high))  # NaN compares false
        text = [f"`{name}` must be finite and in [{low:g}, {high:g}]. Received, in batch", number, "values from"]
        with tf.control_dependencies([tf.debugging.Assert(fine, [*text, tf.reduce_min(x), "to", tf.reduce_max(x)])]):
            return tf.nest.map_structure(tf.identity, element)

    checked = dataset.enumerate().map(examine, num_parallel_calls=2)
    if hasattr(dataset, "epoch"):
        checked.epoch = dataset.epoch
    return checked
