"""Preservation of neighborhoods: trustworthiness and continuity."""

import numpy as np

from keras_ae.evaluate.maps.nearest_neighbors import check_spread
from keras_ae.evaluate.metric_inputs import check_codes, subsample
from keras_ae.validation.arguments import check_size

_CHUNK = 1000  # rows of the matrix of distances at once


def trustworthiness(x, codes, *, neighbors: int = 5, max_examples: int = 2000, seed: int = 0) -> float:
    """Trustworthiness: whether neighbors of codes are neighbors of the examples.

        T = 1 - 2 / (N k (2 N - 3 k - 1)) sum_i sum_j max(r_ij - k, 0),  j of the k nearest codes of code i

    r_ij is the rank of example j among the neighbors of example i, 1 for the nearest. Distances are Euclidean.

    Args:
        x: examples [N, ...].
        codes: codes [N, ...].
        neighbors: number of neighbors, k < N / 2.
        max_examples: number of examples that are drawn from the data, N. All N^2 distances are computed.
        seed: integer seed of the draw.

    Returns:
        float in [0, 1]; 1 if all neighborhoods agree, about 0.5 for random codes.

    Raises:
        ValueError: for other shapes, NaN or infinity, too few examples, and constant x or codes.

    Example:
        >>> trustworthiness([[0.0], [1.0], [2.5], [4.5]], [[0.0], [2.0], [5.0], [9.0]], neighbors=1)
        1.0

    References:
        Venna and Kaski 2001, "Neighborhood preservation in nonlinear projection methods: an experimental study".
    """
    return float(preservation(x, codes, neighbors=neighbors, max_examples=max_examples, seed=seed)[0].mean())


def continuity(x, codes, *, neighbors: int = 5, max_examples: int = 2000, seed: int = 0) -> float:
    """Continuity: whether neighbors of the examples are neighbors of the codes.

        C = 1 - 2 / (N k (2 N - 3 k - 1)) sum_i sum_j max(r_ij - k, 0),  j of the k nearest examples of example i

    r_ij is the rank of code j among the neighbors of code i, 1 for the nearest. Distances are Euclidean.

    Args:
        x: examples [N, ...].
        codes: codes [N, ...].
        neighbors: number of neighbors, k < N / 2.
        max_examples: number of examples that are drawn from the data, N. All N^2 distances are computed.
        seed: integer seed of the draw.

    Returns:
        float in [0, 1]; 1 if all neighborhoods agree, about 0.5 for random codes.

    Raises:
        ValueError: for other shapes, NaN or infinity, too few examples, and constant x or codes.

    Example:
        >>> continuity([[0.0], [1.0], [2.5], [4.5]], [[0.0], [2.0], [5.0], [9.0]], neighbors=1)
        1.0

    References:
        Venna and Kaski 2001, "Neighborhood preservation in nonlinear projection methods: an experimental study".
    """
    return float(preservation(x, codes, neighbors=neighbors, max_examples=max_examples, seed=seed)[1].mean())


def preservation(x, codes, *, neighbors=5, max_examples=2000, seed=0):
    """Returns trustworthiness and continuity at each drawn example, [2, M]; their means are the scores."""
    x, codes = check_spread(check_codes(x, "x"), "x"), check_spread(check_codes(codes), "codes")
    if len(x) != len(codes):
        raise ValueError(f"`codes` must be {len(x)} codes, one per example. Received: {len(codes)}")
    rows = subsample(len(x), max_examples, seed)
    x, codes, num = x[rows], codes[rows], len(rows)
    k = check_size("neighbors", neighbors, high=max((num - 1) // 2, 1))
    if 2 * num <= 3 * k + 1:
        raise ValueError(f"`x` must have more than 2 examples. Received: {num}")
    penalties = np.empty((2, num))
    for start in range(0, num, _CHUNK):
        part = slice(start, start + _CHUNK)
        (near_x, rank_x), (near_z, rank_z) = (_neighbors(each, start, k) for each in (x, codes))
        penalties[0, part] = np.maximum(np.take_along_axis(rank_x, near_z, axis=1) - k, 0).sum(axis=1)
        penalties[1, part] = np.maximum(np.take_along_axis(rank_z, near_x, axis=1) - k, 0).sum(axis=1)
    return 1.0 - penalties * 2.0 / (k * (2.0 * num - 3.0 * k - 1.0))


def _neighbors(x, start, k):
    """Returns the k nearest of a chunk of rows, [rows, k], and the rank of all others for each, [rows, N]."""
    from sklearn.metrics import pairwise_distances  # slow to import

    distances = pairwise_distances(x[start : start + _CHUNK], x)
    own = np.arange(len(distances))
    distances[own, start + own] = -1.0  # the row itself has rank 0
    order = np.argsort(distances, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(x))[np.newaxis], axis=1)
    return order[:, 1 : k + 1], ranks
