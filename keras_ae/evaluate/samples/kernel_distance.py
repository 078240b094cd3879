import dataclasses

import numpy as np

from keras_ae.evaluate.samples.frechet_distance import check_features

_ROWS = 1000  # rows of a kernel matrix at once


@dataclasses.dataclass(frozen=True)
class KernelDistance:
    """Result of `kernel_distance`.

    Attributes:
        value: the estimate. It has no bias, so it may be negative.
        standard_error: its standard error; NaN where one of the sets has two rows only.
    """

    value: float
    standard_error: float


def kernel_distance(first: np.ndarray, second: np.ndarray) -> KernelDistance:
    """Estimates the kernel distance (KID) of two sets of features: their squared maximum mean discrepancy.

        k(x, y) = (x.y / F + 1)^3
        MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)
        standard_error^2 = v(x) + v(y),  v(x) = (N - 1) / N sum_i (MMD^2_{-i} - mean_j MMD^2_{-j})^2

    where MMD^2_{-i} is the estimate without x_i (jackknife). The estimate has no bias, so unlike the Frechet distance
    it does not depend on the number of examples. All pairs are used, which gives the least variance: the mean over
    random subsets, which others report, estimates the same. Time grows with N M, memory with N + M.

    Args:
        first, second: features [N, F] and [M, F], at least two rows each.

    Returns:
        A `KernelDistance`.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[500, 4])
        >>> abs(kernel_distance(x[:250], x[250:]).value) < 0.02, kernel_distance(x, x + 1.0).value > 1.0
        (True, True)

    References:
        Binkowski et al. 2018, arXiv:1801.01401, section 4; Gretton et al. 2012, "A kernel two-sample test", equation 3,
        for the estimator; Arvesen 1969, "Jackknifing U-statistics", for its standard error.
    """
    first, second = check_features(first, second)
    within = [_row_sums(x, x) - _kernel(x, x) for x in (first, second)]
    cross = [_row_sums(first, second), _row_sums(second, first)]
    means = [sums.sum() / (len(sums) * (len(sums) - 1)) for sums in within]
    value = means[0] + means[1] - 2.0 * cross[0].mean() / len(second)
    variance = sum(
        _variance(*sums, other) for *sums, other in zip(within, cross, (len(second), len(first)), strict=True)
    )
    return KernelDistance(float(value), float(np.sqrt(variance)))


def _kernel(x, y):
    """k(x_i, y_i) of rows of the same number."""
    return (np.einsum("nf,nf->n", x, y) / x.shape[1] + 1.0) ** 3


def _row_sums(x, y):
    """sum_j k(x_i, y_j) of each row of x."""
    parts = (x[start : start + _ROWS] for start in range(0, len(x), _ROWS))
    return np.concatenate([((part @ y.T / x.shape[1] + 1.0) ** 3).sum(axis=1) for part in parts])


def _variance(within, cross, other):
    """The jackknife variance over the rows of one set, from the sums of each row over its own and the other set."""
    num = len(within)
    if num < 3:
        return np.nan
    without = (within.sum() - 2.0 * within) / ((num - 1) * (num - 2))
    without -= 2.0 * (cross.sum() - cross) / ((num - 1) * other)
    return (num - 1) / num * ((without - without.mean()) ** 2).sum()
