"""The number of clusters of unlabeled data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_ae.evaluate.clustering.algorithms import fitted_mixture, kmeans
from keras_ae.evaluate.clustering.internal_scores import silhouettes
from keras_ae.evaluate.metric_inputs import check_codes, subsample
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_choice, check_size, check_widths

CRITERIA = ("silhouette", "bic", "gap")
_NUM_INITS = 3  # starts of k-means


class NumClusters(NamedTuple):
    """A number of clusters that was chosen by `num_clusters`.

    Attributes:
        best: the chosen number.
        candidates: the numbers that were compared.
        values: the criterion of each candidate.
    """

    best: int
    candidates: tuple[int, ...]
    values: tuple[float, ...]


def num_clusters(
    x,
    criterion: str = "silhouette",
    *,
    candidates: Sequence[int] = range(2, 16),
    num_references: int = 5,
    max_examples: int = 2000,
    seed: int = 0,
) -> NumClusters:
    """Chooses the number of clusters without labels.

        silhouette: the greatest mean silhouette of k-means
        bic: the least -2 log L + log(N) * (number of parameters) of a Gaussian mixture
        gap: the least k with gap(k) >= gap(k + 1) - s(k + 1),  gap(k) = mean_b log W_b(k) - log W(k)

    k-means has 3 starts, and the mixture starts at its clusters. W(k) is the sum of squared distances to the k centers
    of k-means, W_b(k) its value on a reference set: uniform numbers in the box around the data along its principal
    axes. s(k) is the standard deviation of log W_b(k) times sqrt(1 + 1 / B). If no k satisfies the rule, the greatest
    gap counts.

    Args:
        x: codes or raw values [N, ...].
        criterion: `"silhouette"`, `"bic"` or `"gap"`.
        candidates: ascending numbers of clusters, each at most N / 2.
        num_references: number of reference sets of the gap statistic, B.
        max_examples: number of examples that are drawn from the data.
        seed: integer seed of the draw, the starts and the reference sets.

    Returns:
        A `NumClusters`.

    Raises:
        ValueError: for other shapes, NaN or infinity, more candidates than the rows allow, and too few distinct rows.

    Example:
        >>> x = np.random.default_rng(0).normal(size=[90, 2]) * 0.1 + np.repeat([[0, 0], [0, 5], [5, 0]], 30, axis=0)
        >>> [num_clusters(x, criterion, candidates=range(2, 6)).best for criterion in ("silhouette", "bic", "gap")]
        [3, 3, 3]

    References:
        Rousseeuw 1987 (silhouette); Schwarz 1978, "Estimating the dimension of a model" (BIC); Tibshirani, Walther and
        Hastie 2001, "Estimating the number of clusters in a data set via the gap statistic", section 3.
    """
    return Draw(x, max_examples, seed).choose(criterion, candidates, num_references)


class Draw:
    """Examples that are drawn from x [N, ...] by a seed, and their k-means clusters, which the criteria share."""

    def __init__(self, x, max_examples: int, seed: int):
        check_seed(seed)
        x = check_codes(x, "x")
        self._x, self._seed, self._clusters = x[subsample(len(x), max_examples, seed)], seed, {}

    def choose(self, criterion: str, candidates: Sequence[int], num_references: int = 5) -> NumClusters:
        """Chooses the number of clusters: see `num_clusters`."""
        check_choice("criterion", criterion, CRITERIA)
        candidates = check_widths("candidates", candidates, each="numbers of clusters")
        check_size("num_references", num_references, low=2)
        if list(candidates) != sorted(set(candidates)) or candidates[-1] > len(self._x) / 2:
            raise ValueError(
                f"`candidates` must be ascending and at most half of the {len(self._x)} examples. "
                f"Received: {list(candidates)}"
            )
        if criterion == "silhouette" and candidates[0] == 1:
            raise ValueError('`candidates` must start at 2 for criterion="silhouette". Received: 1')
        clusters = [self._kmeans(num) for num in candidates]
        if criterion == "silhouette":
            values = silhouettes(self._x, clusters)
            best = int(np.argmax(values))
        elif criterion == "bic":
            mixtures = [
                fitted_mixture(self._x, num, clusters=each) for num, each in zip(candidates, clusters, strict=True)
            ]
            values = [float(each.bic(self._x)) for each in mixtures]
            best = int(np.argmin(values))
        else:
            values, errors = _gaps(self._x, clusters, candidates, num_references, self._seed)
            enough = [here >= after - error for here, after, error in zip(values, values[1:], errors[1:], strict=False)]
            best = enough.index(True) if any(enough) else int(np.argmax(values))
        return NumClusters(candidates[best], candidates, tuple(values))

    def _kmeans(self, num):
        if num not in self._clusters:
            self._clusters[num] = _kmeans(self._x, num, self._seed)
        return self._clusters[num]


def _kmeans(x, num, seed):
    return kmeans(x, num, num_inits=_NUM_INITS, seed=seed)


def _gaps(x, clusters, candidates, num_references, seed):
    """Returns the gap of each candidate and its error s."""
    rng, center = np.random.default_rng(seed), x.mean(axis=0)
    axes = np.linalg.svd(x - center, full_matrices=False)[2]
    along = (x - center) @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    sets = [center + rng.uniform(low, high, along.shape) @ axes for _ in range(num_references)]
    gaps, errors = [], []
    for num, found in zip(candidates, clusters, strict=True):
        logs = np.array([_log_dispersion(each, _kmeans(each, num, seed)) for each in sets])
        gaps.append(float(logs.mean() - _log_dispersion(x, found)))
        errors.append(float(logs.std() * np.sqrt(1 + 1 / num_references)))
    return gaps, errors


def _log_dispersion(x, clusters):
    centers = np.stack([x[clusters == each].mean(axis=0) for each in range(clusters.max() + 1)])
    # Data of as many distinct rows has dispersion 0, whose logarithm would be infinite.
    return np.log(max(((x - centers[clusters]) ** 2).sum(), np.finfo(np.float64).tiny))
