"""Scores of clusters that need no labels."""

import itertools

import numpy as np

from keras_ae.evaluate.clustering.agreement import agreement
from keras_ae.evaluate.metric_inputs import check_codes, subsample
from keras_ae.evaluate.threads import threads_for
from keras_ae.validation.arrays import as_array


def silhouette(x, clusters, *, max_examples: int = 2000, seed: int = 0) -> float:
    """Mean silhouette: how much closer examples are to their own cluster than to the next.

        s_i = (b_i - a_i) / max(a_i, b_i)

    a_i is the mean distance from example i to the others of its cluster, b_i the least mean distance to the examples of
    another cluster. The only example of a cluster has s_i = 0. Noise (negative clusters) is left out.

    Args:
        x: codes or raw values [N, ...].
        clusters: integer clusters [N].
        max_examples: number of examples that are drawn from the data, whose distances are computed.
        seed: integer seed of the draw.

    Returns:
        float in [-1, 1]; 0 for constant x.

    Raises:
        ValueError: for other shapes, NaN or infinity, and unless there are at least 2 clusters and fewer than examples.

    Example:
        >>> round(silhouette([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]), 3)
        0.9

    References:
        Rousseeuw 1987, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis".
    """
    x = check_codes(x, "x")
    clusters = _check_clusters(clusters, len(x))
    rows = np.flatnonzero(clusters >= 0)
    rows = rows[subsample(len(rows), max_examples, seed)]
    num = len(np.unique(clusters[rows]))
    if not 2 <= num < len(rows):
        raise ValueError(
            "`clusters` must have at least 2 clusters, and fewer than examples. "
            f"Received: {num} clusters of {len(rows)} examples"
        )
    return silhouettes(x[rows], [clusters[rows]])[0]


def silhouettes(x, clusterings) -> list[float]:
    """Returns the `silhouette` of several clusterings [S, N] of checked x [N, D], from one pass over the distances."""
    from sklearn.metrics import pairwise_distances_chunked  # slow to import

    members = [np.unique(clusters, return_inverse=True)[1] for clusters in clusterings]  # in 0 ... K - 1
    one_hot = [np.eye(own.max() + 1)[own] for own in members]
    ends = np.cumsum([each.shape[1] for each in one_hot])[:-1]
    with threads_for(len(x) ** 2):
        sums = [distances @ np.hstack(one_hot) for distances in pairwise_distances_chunked(x)]
    found = []
    for own, of_cluster, total in zip(members, one_hot, np.split(np.concatenate(sums), ends, axis=1), strict=True):
        rows, sizes = np.arange(len(x)), of_cluster.sum(axis=0)
        inside = total[rows, own] / np.maximum(sizes[own] - 1, 1)
        means = total / sizes  # [N, K]
        means[rows, own] = np.inf
        outside = means.min(axis=1)
        larger = np.maximum(np.maximum(inside, outside), np.finfo(np.float64).tiny)
        found.append(float(np.mean(np.where(sizes[own] > 1, (outside - inside) / larger, 0.0))))
    return found


def stability(clusterings) -> float:
    """Mean pairwise adjusted Rand index of several clusterings of the same examples.

        stability = 2 / (S (S - 1)) sum_{s < t} ari(clusters_s, clusters_t)

    Args:
        clusterings: integer clusters [S, N], such as the results of S seeds, S >= 2.

    Returns:
        float; 1 if all clusterings are the same partition.

    Raises:
        ValueError: for fewer than two clusterings, and clusters that are not integers.

    Example:
        >>> stability([[0, 0, 1, 1], [1, 1, 0, 0]])
        1.0
    """
    clusterings = as_array(clusterings, "clusterings")
    if clusterings.ndim != 2 or len(clusterings) < 2 or clusterings.dtype.kind not in "iu":
        raise ValueError(
            "`clusterings` must be integers [S, N] of at least two clusterings. "
            f"Received: {clusterings.dtype} of shape {list(clusterings.shape)}"
        )
    return float(np.mean([agreement(a, b).ari for a, b in itertools.combinations(clusterings, 2)]))


def _check_clusters(clusters, num):
    clusters = as_array(clusters, "clusters")
    if clusters.dtype.kind not in "iu" or clusters.shape != (num,):
        raise ValueError(
            f"`clusters` must be {num} integers, one per example. "
            f"Received: {clusters.dtype} of shape {list(clusters.shape)}"
        )
    return clusters
