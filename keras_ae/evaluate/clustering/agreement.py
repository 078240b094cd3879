import dataclasses

import numpy as np

from keras_ae.evaluate.metric_inputs import check_labels
from keras_ae.validation.arrays import as_array


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How well clusters agree with labels, from `agreement`.

    Attributes:
        accuracy: fraction of examples whose cluster is matched with their label.
        nmi: normalized mutual information, in [0, 1]; equals `v_measure`.
        ari: adjusted Rand index; 0 in expectation for random clusters, 1 for equal partitions.
        homogeneity: 1 if each cluster has members of one class only.
        completeness: 1 if all members of a class are in one cluster.
        v_measure: harmonic mean of the two.
    """

    accuracy: float
    nmi: float
    ari: float
    homogeneity: float
    completeness: float
    v_measure: float


def contingency(labels, clusters) -> np.ndarray:
    """Counts the examples of each class in each cluster.

    Args:
        labels: classes [N], integers or strings.
        clusters: integer clusters [N]; a negative cluster is noise.

    Returns:
        int64 [K, C], rows in the order of the sorted labels, columns in the order of the sorted clusters, without
        noise. The counts of noise, if there is any, are in one further column, the last.

    Raises:
        ValueError: for other shapes, no examples, and clusters that are not integers.

    Example:
        >>> contingency(["a", "a", "b"], [0, 1, 1]).tolist()
        [[1, 1], [0, 1]]
    """
    return _table(*_checked(labels, clusters))


def accuracy(labels, clusters) -> float:
    """Clustering accuracy: the fraction of examples whose cluster is matched with their label.

        accuracy = max_m 1/N sum_i [labels_i = m(clusters_i)]

    The maximum over one-to-one matchings m of clusters and classes is found by the Hungarian method. Examples of
    unmatched clusters are wrong, and so is noise (negative clusters).

    Args:
        labels: classes [N], integers or strings.
        clusters: integer clusters [N].

    Returns:
        float in [0, 1].

    Raises:
        ValueError: for other shapes, no examples, and clusters that are not integers.

    Example:
        >>> accuracy([0, 0, 1, 1], [5, 5, 3, 5])
        0.75

    References:
        Kuhn 1955, "The Hungarian method for the assignment problem"; Xie, Girshick and Farhadi 2016, arXiv:1511.06335,
        equation 10.
    """
    return agreement(labels, clusters).accuracy


def agreement(labels, clusters) -> Agreement:
    """Compares clusters with labels.

        nmi = I(Y; C) / ((H(Y) + H(C)) / 2)
        homogeneity = I(Y; C) / H(Y),  completeness = I(Y; C) / H(C)
        ari = (index - expected index) / (maximal index - expected index),  index = sum_jk binomial(n_jk, 2)

    `accuracy` is described there. Noise (negative clusters) is one cluster in all scores but the accuracy. For a single
    class, homogeneity is 1; for a single cluster, completeness is 1. Equal partitions have scores of 1.

    Args:
        labels: classes [N], integers or strings.
        clusters: integer clusters [N].

    Returns:
        An `Agreement`.

    Raises:
        ValueError: for other shapes, no examples, and clusters that are not integers.

    Example:
        >>> agreement([0, 0, 1, 1], [1, 1, 0, 0])
        Agreement(accuracy=1.0, nmi=1.0, ari=1.0, homogeneity=1.0, completeness=1.0, v_measure=1.0)

    References:
        Hubert and Arabie 1985, "Comparing partitions"; Rosenberg and Hirschberg 2007, "V-measure: a conditional
        entropy-based external cluster evaluation measure".
    """
    labels, clusters, noise = _checked(labels, clusters)
    return agreement_of_counts(_table(labels, clusters, noise), noise.any())


def agreement_of_counts(counts: np.ndarray, has_noise: bool = False) -> Agreement:
    """Returns the `Agreement` of a table of `contingency`, whose last column is noise or not."""
    total, rows, columns = counts.sum(), counts.sum(axis=1), counts.sum(axis=0)
    of_labels, of_clusters, joint = (_entropy(each / total) for each in (rows, columns, counts))
    shared = max(of_labels + of_clusters - joint, 0.0)
    homogeneity = min(shared / of_labels, 1.0) if of_labels > 0 else 1.0
    completeness = min(shared / of_clusters, 1.0) if of_clusters > 0 else 1.0
    v_measure = 2 * homogeneity * completeness / (homogeneity + completeness) if homogeneity + completeness else 0.0
    index, first, second = (float((each * (each - 1.0) / 2).sum()) for each in (counts, rows, columns))
    expected, largest = first * second / max(total * (total - 1.0) / 2, 1.0), (first + second) / 2
    ari = (index - expected) / (largest - expected) if largest > expected else 1.0
    return Agreement(
        accuracy=float(_matched(counts[:, :-1] if has_noise else counts) / total),
        nmi=v_measure,
        ari=float(ari),
        homogeneity=homogeneity,
        completeness=completeness,
        v_measure=v_measure,
    )


def _matched(counts):
    from scipy.optimize import linear_sum_assignment  # slow to import

    return counts[linear_sum_assignment(counts, maximize=True)].sum()


def _entropy(probabilities):
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum()) if len(positive) > 1 else 0.0


def _checked(labels, clusters):
    """Returns classes, clusters 0 ... C - 1 without noise, and where noise is."""
    labels = check_labels(labels)
    clusters = as_array(clusters, "clusters")
    if clusters.dtype.kind not in "iu" or clusters.shape != labels.shape:
        raise ValueError(
            f"`clusters` must be {len(labels)} integers, one per example. "
            f"Received: {clusters.dtype} of shape {list(clusters.shape)}"
        )
    noise = clusters < 0
    numbers = np.zeros(len(labels), np.int64)
    numbers[~noise] = np.unique(clusters[~noise], return_inverse=True)[1]
    return labels, numbers, noise


def _table(labels, clusters, noise):
    num = int(clusters[~noise].max()) + 1 if not noise.all() else 0
    counts = np.zeros((int(labels.max()) + 1, num + bool(noise.any())), np.int64)
    np.add.at(counts, (labels, np.where(noise, num, clusters)), 1)
    return counts
