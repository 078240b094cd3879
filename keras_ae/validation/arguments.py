"""Validation of arrays and numbers. Errors name the argument, the expected and the received value, and the index."""

import numbers
import sys
from typing import NamedTuple

import numpy as np

from keras_ae.validation.arrays import as_array

MAX_WIDTH = 2**20  # of a layer or a code, or samples of one example: more is a mistake, or a malicious file
MAX_ROWS = 2**24  # examples, codes or images at once
MAX_DEPTH = 256  # layers in sequence, for the same reason
MAX_COUNT = 2**53  # steps, epochs, examples of a data set: floats represent every integer up to this
_SMALLEST, _LARGEST = (float(end) for end in (np.finfo(np.float32).tiny, np.finfo(np.float32).max))


class Support(NamedTuple):
    """The support of a likelihood: low ... high, and only integers for counts."""

    low: float
    high: float
    whole: bool = False

    def __str__(self):
        end = "inf)" if self.high == float("inf") else f"{self.high:g}]"
        return f"{'whole and ' if self.whole else ''}in [{self.low:g}, {end}"


def check_array(x, name, *, event_shape=None, support=None, indices=None, advice=""):
    """Returns `x` as a finite float32 array of examples; `x` itself if it is one.

    Args:
        x: array-like of numbers [N, *event]: also tables of pandas.
        name: name of the data in errors.
        event_shape: required shape of each example, or `None` for any.
        support: the `Support` (low, high[, whole]) of the values, or `None` for all finite numbers.
        indices: indices [N] of the examples in errors; 0 ... N - 1 by default.
        advice: a sentence for the error of values out of range, with the next step.

    Raises:
        ValueError: for other dtypes or shapes, no examples, NaN, infinity or values out of range.
    """
    x = as_array(x, name)
    if x.ndim and not x.size:
        raise ValueError(f"`{name}` must have at least one example. Received: shape {list(x.shape)}")
    if x.dtype.kind not in "iufb":
        raise ValueError(f"`{name}` must hold numbers. Received: dtype {x.dtype}")
    if x.ndim < 2 or (event_shape is not None and x.shape[1:] != tuple(event_shape)):
        wanted = "[N, ...], one example a row" if event_shape is None else f"[N, {', '.join(map(str, event_shape))}]"
        hint = f" Give a single example as {name}[np.newaxis]." if x.shape == event_shape else ""
        raise ValueError(f"`{name}` must have shape {wanted}.{hint} Received: {list(x.shape)}")
    given, x = x, as_float32(x)
    low, high = x.min(), x.max()  # these reveal NaN and infinity without a third pass
    if not (np.isfinite(low) and np.isfinite(high)):
        wrong = ~np.isfinite(x)
        raise ValueError(f"`{name}` must be {in_place_of(given[wrong][0])}. Received: {_first(given, wrong, indices)}")
    if support is not None:
        _check_support(x, name, Support(*support), (low, high), indices, advice)
    return x


def as_float32(x):
    """Returns numbers as a float32 array; numbers out of its range become infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(x, np.float32)


def in_place_of(value):
    """Returns the requirement, for an error, on a number that is infinite or NaN in float32."""
    return "within 3.4e38, the range of float32" if np.isfinite(value) else "finite"


def _check_support(x, name, support, extremes, indices, advice):
    low, high = extremes
    outside = low < support.low or high > support.high
    if outside or (support.whole and (x != np.round(x)).any()):
        wrong = (x < support.low) | (x > support.high) if outside else x != np.round(x)
        hint = " Divide 8-bit images by 255." if support[:2] == (0.0, 1.0) and low >= 0 and 1.5 < high <= 255 else ""
        if advice and (not hint or x.ndim == 2):
            hint += f" {advice}"
        raise ValueError(f"`{name}` must be {support}.{hint} Received: {_first(x, wrong, indices)}")


def is_number(value):
    """Whether a value is a finite number and not a boolean."""
    value = value.item() if isinstance(value, np.generic) else value
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and abs(value) <= sys.float_info.max


def check_number(argument, value, *, low=None, also=""):
    """Returns `value` as a finite `float`.

    Args:
        argument: the name of the argument, for the error message.
        value: the number.
        low: lower bound, or `None` for none.
        also: alternatives to a number, for the error message.

    Raises:
        ValueError: for anything else.
    """
    if not is_number(value) or (low is not None and value < low):
        bound = "" if low is None else f" >= {low:g}"
        raise ValueError(f"`{argument}` must be a finite number{bound}{also}. Received: {argument}={value!r}")
    return float(value)


def check_fraction(argument: str, value: object, interval: str = "[0, 1]") -> float:
    """Returns a number from 0 to 1 as a `float`; `interval`, such as "(0, 1]", says whether it may be 0 or 1.

    Raises:
        ValueError: for anything else.
    """
    low, high = interval[0] == "[", interval[-1] == "]"
    if not is_number(value) or not (0 < value < 1 or (low and value == 0) or (high and value == 1)):
        raise ValueError(f"`{argument}` must be in {interval}. Received: {argument}={value!r}")
    return float(value)


def check_positive(argument, value, *, also="", words=()):
    """Returns a number > 0 as a `float`; refuses numbers that are 0 or infinite in float32.

    Args:
        argument, value, also: as in `check_number`.
        words: strings that are allowed too.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, str) and value in words:
        return value
    also += ", " + " or ".join(f'"{word}"' for word in words) if words else ""
    if not is_number(value) or not _SMALLEST <= value <= _LARGEST:
        bounds = f" of float32, {_SMALLEST:.2g} to {_LARGEST:.2g}" if is_number(value) and value > 0 else ""
        raise ValueError(f"`{argument}` must be a positive number{bounds}{also}. Received: {argument}={value!r}")
    return float(value)


def check_size(argument, value, *, low=1, high=MAX_WIDTH):
    """Returns `value` as an `int` from `low` to `high`, or raises a `ValueError`."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < low or value > high:
        wanted = "a positive integer" if low == 1 else f"an integer >= {low}"
        wanted += f", {high} at most" if whole and value > high else ""
        raise ValueError(f"`{argument}` must be {wanted}. Received: {argument}={value!r}")
    return int(value)


def check_widths(argument, widths, *, fewest=1, each="one a layer"):
    """Returns a sequence of at least `least` positive integers as a tuple, or raises a `ValueError`.

    `each`: the meaning of one element, for the error message.
    """
    try:
        result = None if isinstance(widths, (bytes, dict)) else tuple(widths)
    except TypeError:
        result = None
    if result is None or not fewest <= len(result) <= MAX_DEPTH or not all(_is_width(width) for width in result):
        raise ValueError(
            f"`{argument}` must be a sequence of positive integers up to {MAX_WIDTH}, {each}. "
            f"Received: {argument}={widths!r}"
        )
    return tuple(int(width) for width in result)


def _is_width(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 < value <= MAX_WIDTH


def check_choice(argument, value, choices):
    """Returns a value that is one of some words (and `None`), or raises a `ValueError`."""
    if not (value is None or isinstance(value, str)) or value not in choices:
        *others, last = (f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)
        wanted = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"`{argument}` must be {wanted}. Received: {argument}={value!r}")
    return value


def check_weights(weights, num):
    """Returns the weights of `num` examples as float32 [num], or raises a `ValueError`."""
    weights = as_float32(weights)
    if weights.shape not in ((num,), (num, 1)) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"`sample_weight` must be {num} finite numbers >= 0, one per example. "
            f"Received: an array of shape {weights.shape}"
        )
    return weights.reshape(num)


def _first(x, wrong, indices):
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), x.shape))
    value = x[place]
    if indices is not None:
        place = (int(indices[place[0]]), *place[1:])
    return f"{value:g} at index {place}"
