import dataclasses

import numpy as np

from keras_ae.evaluate.samples.frechet_distance import check_features
from keras_ae.evaluate.statistics import area_under_roc


@dataclasses.dataclass(frozen=True)
class Memorization:
    """Result of `memorization`.

    Attributes:
        closer: probability that a generated example is closer to the training set than a held-out example: 0.5 without
            memorization, 1 for copies of training examples. Values below 0.5 mean that generated examples are far from
            all training examples.
        interval: its 95% interval.
        nearest: row of the nearest training example of each generated example, int64 [M].
        distances: the distance to it, float64 [M].
    """

    closer: float
    interval: tuple[float, float]
    nearest: np.ndarray
    distances: np.ndarray


def memorization(training: np.ndarray, held_out: np.ndarray, generated: np.ndarray) -> Memorization:
    """Tests whether a model copies training examples, by distances to the nearest training example.

        closer = P(d(y, training) < d(x, training)) + P(equal) / 2,   y generated, x held out

    It is the Mann-Whitney statistic of the two sets of distances, divided by the number of pairs.

    Args:
        training: features of training examples [T, F].
        held_out: features of held-out examples [N, F].
        generated: features of generated examples [M, F].

    Returns:
        A `Memorization`.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=[300, 2])
        >>> memorization(x[:100], x[100:200], x[:100]).closer, memorization(x[:100], x[100:200], x[200:]).closer < 0.7
        (1.0, True)

    References:
        Meehan, Chaudhuri and Dasgupta 2020, arXiv:2004.05675, section 3, the global test.
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    training, held_out = check_features(training, held_out)
    training, generated = check_features(training, generated)
    neighbors = NearestNeighbors(n_neighbors=1).fit(training)
    usual = neighbors.kneighbors(held_out)[0][:, 0]
    distances, nearest = (found[:, 0] for found in neighbors.kneighbors(generated))
    is_generated = np.arange(len(distances) + len(usual)) < len(distances)
    closer, interval = area_under_roc(is_generated, -np.concatenate([distances, usual]))
    return Memorization(closer, interval, nearest, distances)
