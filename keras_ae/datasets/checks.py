"""Validation of all data. Errors name the array or file, and the first invalid index."""

import numpy as np

from keras_ae.validation.arguments import check_array

_LABELS = "whole numbers >= 0, or -1 where unknown"


def check(
    x: np.ndarray,
    name: str = "x",
    *,
    support: tuple[float, float] | None = (0.0, 1.0),
    indices: np.ndarray | None = None,
) -> np.ndarray:
    """Validates examples and returns them as float32.

    Args:
        x: array [N, ...] of floats or booleans.
        name: name of the argument or file in errors.
        support: (low, high), the range of valid values, or `None` for all finite numbers.
        indices: indices [N] of the examples in errors; 0 ... N - 1 by default.

    Returns:
        float32 array [N, ...]; `x` itself if it is one.

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
    if x.dtype.kind not in "fb":
        hint = " Divide 8-bit images by 255: x.astype('float32') / 255." if x.dtype == np.uint8 else ""
        raise ValueError(f"`{name}` must be floats.{hint} Received: dtype {x.dtype}")
    return check_array(x, name, support=support, indices=indices)


def check_labels(
    y: np.ndarray | dict[str, np.ndarray], size: int, name: str = "y"
) -> np.ndarray | dict[str, np.ndarray]:
    """Validates labels and returns them as int32 [N], or a dict of arrays [N, ...] unchanged.

    Raises:
        ValueError: if they are not integers >= 0, or -1 if unknown (finite numbers in a dict), or not one for each of
            the `size` examples.
    """
    if isinstance(y, dict):
        return {key: _check_property(np.asarray(value), size, f"{name}[{key!r}]") for key, value in y.items()}
    y = _check_length(np.asarray(y), size, name)
    if y.ndim != 1:
        raise ValueError(f"`{name}` must have shape [N]. Received: shape {list(y.shape)}")
    if y.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must be {_LABELS}. Received: dtype {y.dtype}")
    with np.errstate(invalid="ignore"):  # infinity
        wrong = ~np.isfinite(y) | (y < -1) | (y % 1 != 0) | (y >= 2**31)
    if wrong.any():
        index = int(np.argmax(wrong))
        raise ValueError(f"`{name}` must be {_LABELS}. Received: {y[index]} at index {index}")
    return y.astype(np.int32)


def _check_property(values, size, name):
    if values.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must hold numbers. Received: dtype {values.dtype}")
    values = _check_length(values, size, name)
    wrong = ~np.isfinite(values)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"`{name}` must be finite. Received: {values[place]} at index {place}")
    return values


def _check_length(y, size, name):
    if y.ndim == 0 or len(y) != size:
        raise ValueError(f"`{name}` must have one entry for each of {size} examples. Received: shape {list(y.shape)}")
    return y
