import dataclasses

import numpy as np

from keras_ae.evaluate.samples.frechet_distance import check_features
from keras_ae.validation.arguments import MAX_ROWS, check_size


@dataclasses.dataclass(frozen=True)
class KernelDistance:
    """Result of `kernel_distance`.

    Attributes:
        value: the mean of the estimates on the subsets. An unbiased estimate may be negative.
        standard_error: its standard error over subsets; NaN for a single subset.
    """

    value: float
    standard_error: float


def kernel_distance(
    first: np.ndarray, second: np.ndarray, *, subsets: int = 50, subset_size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Estimates the kernel distance (KID) of two sets of features: their squared maximum mean discrepancy.

        k(x, y) = (x.y / F + 1)^3
        MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

    The estimate has no bias, so unlike the Frechet distance it does not depend on the number of examples.

    Args:
        first, second: features [N, F] and [M, F], at least two rows each.
        subsets: number of random subsets.
        subset_size: rows per subset; at most the smaller of N and M is used.
        seed: integer seed of the subsets.

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
        Binkowski et al. 2018, arXiv:1801.01401, section 4; Gretton et al. 2012, equation 3, for the estimator.
    """
    first, second = check_features(first, second)
    subsets = check_size("subsets", subsets, high=MAX_ROWS)
    size = min(check_size("subset_size", subset_size, low=2, high=MAX_ROWS), len(first), len(second))
    rng, found = np.random.default_rng(seed), []
    for _ in range(subsets):
        x, y = (each[rng.choice(len(each), size, replace=False)] for each in (first, second))
        within = _off_diagonal_mean(_kernel(x, x)) + _off_diagonal_mean(_kernel(y, y))
        found.append(within - 2.0 * _kernel(x, y).mean())
    error = np.std(found, ddof=1) / np.sqrt(subsets) if subsets > 1 else np.nan
    return KernelDistance(float(np.mean(found)), float(error))


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _off_diagonal_mean(kernel):
    num = len(kernel)
    return (kernel.sum() - np.trace(kernel)) / (num * (num - 1))
