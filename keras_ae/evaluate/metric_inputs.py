"""Validation of the arrays that metrics take: codes, labels and factors."""

from typing import Any, NamedTuple

import numpy as np

from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.validation.arguments import check_array, check_choice, check_size
from keras_ae.validation.arrays import as_array


class Factor(NamedTuple):
    """A true factor of variation.

    Attributes:
        name: its name.
        values: its values: int64 [N] in 0 ... K - 1 for a categorical factor, otherwise float64 [N].
        categorical: whether the values are categories.
    """

    name: str
    values: np.ndarray
    categorical: bool

    def classes(self, num_bins: int, strategy: str = "quantile") -> np.ndarray:
        """Returns the categories, or the bins of a continuous factor, int64 [N]: see `discretize`."""
        return self.values if self.categorical else discretize(self.values, num_bins, strategy)


def check_codes(codes: Any, name: str = "codes", *, min_rows: int = 2) -> np.ndarray:
    """Returns codes, or other examples, as finite float64 [N, D].

    Raises:
        ValueError: for other shapes, NaN or infinity, and fewer than `min_rows` rows.
    """
    codes = check_array(codes, name)
    if len(codes) < min_rows:
        raise NotApplicableError(f"`{name}` must have at least {min_rows} examples. Received: {len(codes)}")
    return codes.reshape(len(codes), -1).astype(np.float64)


def check_labels(labels: Any, num: int | None = None, name: str = "labels") -> np.ndarray:
    """Returns labels as int64 [N] in 0 ... K - 1, in the order of the sorted labels.

    Args:
        labels: integers, strings, booleans or other values [N] of which equal ones are one class.
        num: required number of labels, or `None` for any.
        name: name of the labels in errors.

    Raises:
        ValueError: for other shapes, no labels, NaN or infinity.
    """
    labels = as_array(labels, name)
    if labels.ndim != 1 or not len(labels) or (num is not None and len(labels) != num):
        wanted = "values [N]" if num is None else f"{num} values"
        raise ValueError(f"`{name}` must be {wanted}, one per example. Received: shape {list(labels.shape)}")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"`{name}` must be finite. Received: {labels[~np.isfinite(labels)][0]}")
    return np.unique(labels.astype(str) if labels.dtype.kind == "O" else labels, return_inverse=True)[1]


def check_factors(factors: Any, num: int) -> list[Factor]:
    """Returns the factors of `num` examples.

    Args:
        factors: {name: values [N]}, or an array [N, F]. Integers, strings and booleans are categories.
        num: number of examples, N.

    Raises:
        ValueError: for other shapes, no factors, NaN or infinity, and a factor that is constant.
    """
    if not hasattr(factors, "items"):
        array = as_array(factors, "factors")
        if array.ndim != 2:
            raise ValueError(f"`factors` must be {{name: values [N]}} or [N, F]. Received: shape {list(array.shape)}")
        factors = {str(number): column for number, column in enumerate(array.T)}
    found = []
    for key, values in factors.items():
        name = f"factors[{key!r}]"
        values = as_array(values, name)
        categories = check_labels(values, num, name)
        if not categories.any():
            raise NotApplicableError(f"`{name}` must take at least two values. Received: a constant")
        categorical = values.dtype.kind != "f"
        found.append(Factor(str(key), categories if categorical else values.astype(np.float64), categorical))
    if not found:
        raise ValueError("`factors` must name at least one factor. Received: {}")
    return found


def discretize(values: Any, num_bins: int = 20, strategy: str = "uniform") -> np.ndarray:
    """Returns the bin of each value.

    Args:
        values: numbers [N] or [N, D]; each column is binned on its own.
        num_bins: number of bins.
        strategy: `"uniform"` for bins of equal width from the least to the greatest value, `"quantile"` for bins of
            about equally many values. Equal values share a bin.

    Returns:
        int64, shape of `values`, in 0 ... num_bins - 1; a constant column is 0.

    Raises:
        ValueError: for fewer than two bins, or an unknown strategy.

    Example:
        >>> discretize([0.0, 0.1, 0.9, 10.0], 2).tolist(), discretize([0.0, 0.1, 0.9, 10.0], 2, "quantile").tolist()
        ([0, 0, 0, 1], [0, 0, 1, 1])
    """
    check_size("num_bins", num_bins, low=2)
    check_choice("strategy", strategy, ("uniform", "quantile"))
    values = np.asarray(values, np.float64)
    if values.ndim == 2:
        return np.stack([discretize(column, num_bins, strategy) for column in values.T], axis=1)
    low, high = values.min(), values.max()
    if strategy == "uniform":
        scaled = (values - low) / max(high - low, np.finfo(np.float64).tiny)
        return np.minimum((scaled * num_bins).astype(np.int64), num_bins - 1)
    inner = np.unique(np.quantile(values, np.arange(1, num_bins) / num_bins))
    # If nearly all values are the greatest, the others still get a separate bin.
    edges = inner[inner < high] if (inner < high).any() else [low]
    return np.searchsorted(edges, values, side="left").astype(np.int64)


def subsample(num: int, max_examples: int, seed: int) -> np.ndarray:
    """Returns ascending row numbers: all of `num` rows, or `max_examples` of them, drawn from the seed."""
    check_size("max_examples", max_examples, low=2)
    if num <= max_examples:
        return np.arange(num)
    return np.sort(np.random.default_rng(seed).choice(num, max_examples, replace=False))
