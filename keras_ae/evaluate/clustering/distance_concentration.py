"""Concentration of distances: in many dimensions, the nearest example is hardly nearer than the farthest."""

from collections.abc import Sequence

import numpy as np

from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.evaluate.metric_inputs import check_codes, subsample
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_size, check_widths

DIMS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def relative_contrast(x, *, num_queries: int = 100, max_examples: int = 5000, seed: int = 0) -> np.ndarray:
    """Relative contrast of the distances from examples to all others.

        contrast_i = (max_j d_ij - min_j d_ij) / min_j d_ij,  d_ij = |x_i - x_j|,  j != i

    A contrast near 0 means that all examples are about equally far, so that neighbors and clusters mean little. Few
    queries with a very near neighbor have great contrasts: summarize them by the median. Exact copies of an example
    (d_ij = 0) are left out.

    Args:
        x: codes or raw values [N, ...].
        num_queries: number of examples i, drawn from the data.
        max_examples: number of examples j, drawn from the data. The contrast grows with it.
        seed: integer seed of the draws.

    Returns:
        float64 [min(num_queries, N)], >= 0.

    Raises:
        ValueError: for other shapes, NaN or infinity, and constant x.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=[500, 100])
        >>> bool(np.median(relative_contrast(noise)) < np.median(relative_contrast(noise[:, :2])))
        True

    References:
        Beyer et al. 1999, "When is nearest neighbor meaningful?"; Aggarwal, Hinneburg and Keim 2001, "On the surprising
        behavior of distance metrics in high dimensional space", section 2.
    """
    from sklearn.metrics import pairwise_distances  # slow to import

    check_size("num_queries", num_queries)
    check_seed(seed)
    x = check_codes(x, "x")
    x = x[subsample(len(x), max_examples, seed)]
    if not np.ptp(x, axis=0).any():
        raise NotApplicableError("`x` must have at least two distinct examples. Received: constant values")
    queries = np.random.default_rng(seed).permutation(len(x))[:num_queries]
    distances = pairwise_distances(x[queries], x)
    equal = np.array([(x == x[query]).all(axis=1) for query in queries])
    nearest = np.where(equal, np.inf, distances).min(axis=1)
    return distances.max(axis=1) / nearest - 1.0


def noise_contrast(
    dims: Sequence[int] = DIMS, *, num_examples: int = 5000, num_queries: int = 100, seed: int = 0
) -> np.ndarray:
    """Median `relative_contrast` of standard normal noise, for a growing dimension.

    Args:
        dims: numbers of dimensions.
        num_examples: examples per dimension, >= 2.
        num_queries: as in `relative_contrast`.
        seed: integer seed of the noise.

    Returns:
        float64 [len(dims)].

    Example:
        >>> curve = noise_contrast((2, 20, 200), num_examples=200)
        >>> bool(curve[0] > curve[1] > curve[2])
        True
    """
    check_size("num_examples", num_examples, low=2)
    dims = check_widths("dims", dims, each="numbers of dimensions")
    rng = np.random.default_rng(check_seed(seed))
    settings = {"num_queries": num_queries, "max_examples": num_examples, "seed": seed}
    return np.array([np.median(relative_contrast(rng.normal(size=[num_examples, dim]), **settings)) for dim in dims])
