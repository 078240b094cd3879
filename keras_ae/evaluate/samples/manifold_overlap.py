import dataclasses

import numpy as np

from keras_ae.evaluate.samples.frechet_distance import check_features
from keras_ae.validation.arguments import MAX_ROWS, check_size


@dataclasses.dataclass(frozen=True)
class ManifoldOverlap:
    """Result of `manifold_overlap`: each number has one boolean or count per example, from which it is the mean.

    Attributes:
        precision: fraction of generated examples inside the real manifold: quality.
        recall: fraction of real examples inside the generated manifold: diversity.
        density: mean number of real balls around a generated example, divided by k; may exceed 1. Unlike precision, it
            does not reward a generated example near one real outlier.
        coverage: fraction of real examples with a generated example in their ball. Unlike recall, it does not reward
            generated outliers.
        hits: {name: float64 array}, the values for single examples.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    hits: dict[str, np.ndarray] = dataclasses.field(repr=False, compare=False)


def manifold_overlap(real: np.ndarray, generated: np.ndarray, *, k: int = 5) -> ManifoldOverlap:
    """Measures precision, recall, density and coverage of generated examples, with balls of nearest neighbors.

        B(x_i) = the ball around x_i whose radius is the distance to its k-th nearest neighbor in its own set
        precision = mean_j 1[y_j in a ball of a real x_i]         recall = mean_i 1[x_i in a ball of a generated y_j]
        density = 1 / (k M) sum_j sum_i 1[y_j in B(x_i)]          coverage = mean_i 1[B(x_i) has a generated y_j]

    Args:
        real: features of real examples [N, F], N > k.
        generated: features of generated examples [M, F], M > k.
        k: number of neighbors. The papers use 3 (precision, recall) and 5 (density, coverage).

    Returns:
        A `ManifoldOverlap`.

    Raises:
        ValueError: for other shapes, NaN or infinity, or too few examples.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[400, 2])
        >>> far = manifold_overlap(x[:200], x[200:] + 100.0)
        >>> far.precision, far.recall, far.density, far.coverage
        (0.0, 0.0, 0.0, 0.0)
        >>> manifold_overlap(x[:200], x[200:]).precision > 0.8
        True

    References:
        Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2; Naeem et al. 2020, arXiv:2002.09797, section 3.
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    real, generated = check_features(real, generated)
    k = check_size("k", k, high=MAX_ROWS)
    if k >= min(len(real), len(generated)):
        raise ValueError(
            f"`k` must be less than the numbers of examples, {len(real)} and {len(generated)}. Received: {k}"
        )
    radii = {}
    for name, x in (("real", real), ("generated", generated)):
        # The nearest of k + 1 neighbors is the example itself.
        radii[name] = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)[0][:, -1]
    in_balls = np.zeros(len(generated))
    covered, recalled = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for start in range(0, len(real), _CHUNK):
        rows = slice(start, start + _CHUNK)
        distances = _distances(real[rows], generated)
        inside = distances <= radii["real"][rows, np.newaxis]
        in_balls += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distances <= radii["generated"]).any(axis=1)
    hits = {"precision": in_balls > 0, "recall": recalled, "density": in_balls / k, "coverage": covered}
    hits = {name: values.astype(np.float64) for name, values in hits.items()}
    return ManifoldOverlap(**{name: float(values.mean()) for name, values in hits.items()}, hits=hits)


_CHUNK = 1000  # real examples compared with all generated ones at once


def _distances(x, y):
    from sklearn.metrics import pairwise_distances

    return pairwise_distances(x, y)
