"""Mutual information of codes and factors, and the scores that are made from it."""

import numpy as np

from keras_ae.evaluate.metric_inputs import Factor, check_codes, check_factors, discretize


def mutual_information_matrix(codes, factors, *, num_bins: int = 20) -> np.ndarray:
    """Mutual information of each code dimension with each factor, from bins.

        I(z_j; v_k) = sum_ab p(a, b) log(p(a, b) / (p(a) p(b)))

    Codes and continuous factors are binned into bins of equal width. With few examples for many bins, the estimate is
    too great, by about (bins - 1)^2 / (2 N) nats.

    Args:
        codes: codes [N, D].
        factors: {name: values [N]} or [N, F]; integers, strings and booleans are categories.
        num_bins: number of bins.

    Returns:
        float64 [D, F], nats, >= 0.

    Raises:
        ValueError: for other shapes, NaN or infinity, and constant factors.

    Example:
        >>> factors = {"shape": [0, 0, 1, 1], "color": [0, 1, 0, 1]}
        >>> mutual_information_matrix([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], factors).round(3).tolist()
        [[0.693, 0.0], [0.0, 0.693]]

    References:
        Chen et al. 2018, arXiv:1802.04942, section 4; Locatello et al. 2019, arXiv:1811.12359, for the bins.
    """
    return information(*binned(codes, factors, num_bins))


def mutual_information_gap(codes, factors, *, num_bins: int = 20) -> float:
    """Mutual information gap (MIG): whether one code dimension knows more about a factor than all others.

        MIG = 1/F sum_k (I(z_first; v_k) - I(z_second; v_k)) / H(v_k)

    first and second are the two dimensions with the most information about factor k.

    Args:
        codes, factors, num_bins: as in `mutual_information_matrix`.

    Returns:
        float in [0, 1]; 0 for constant codes, and for codes that hold each dimension twice.

    Raises:
        ValueError: for other shapes, NaN or infinity, and constant factors.

    Example:
        >>> factors = {"shape": [0, 0, 1, 1], "color": [0, 1, 0, 1]}
        >>> mutual_information_gap([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], factors)
        1.0

    References:
        Chen et al. 2018, arXiv:1802.04942, equation 6.
    """
    return gap_of_bins(*binned(codes, factors, num_bins))


def modularity(codes, factors, *, num_bins: int = 20) -> float:
    """Modularity: whether each code dimension has information about one factor only.

        modularity = 1/D sum_j (1 - sum_{k != m} I(z_j; v_k)^2 / ((F - 1) I(z_j; v_m)^2)),  m = argmax_k I(z_j; v_k)

    Args:
        codes, factors, num_bins: as in `mutual_information_matrix`; at least two factors.

    Returns:
        float in [0, 1]. Dimensions without any information count as 0.

    Raises:
        ValueError: for other shapes, NaN or infinity, constant factors, and a single factor.

    Example:
        >>> factors = {"shape": [0, 0, 1, 1], "color": [0, 1, 0, 1]}
        >>> modularity([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], factors)
        1.0

    References:
        Ridgeway and Mozer 2018, arXiv:1802.05312, section 4.
    """
    codes, factors = binned(codes, factors, num_bins)
    check_several(factors.shape[1])
    return modularity_of_bins(codes, factors)


def check_several(num):
    if num < 2:
        raise ValueError("`factors` must be at least two. Received: one")


def binned(codes, factors, num_bins) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bins of codes [N, D] and of factors [N, F], for `information` and the scores made from it."""
    codes = check_codes(codes)
    found: list[Factor] = check_factors(factors, len(codes))
    columns = [each.classes(num_bins, "uniform") for each in found]
    return discretize(codes, num_bins), np.stack(columns, axis=1)


def information(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the mutual information of bins [N, D] and [N, F], nats [D, F]."""
    found = np.empty((first.shape[1], second.shape[1]))
    for j, a in enumerate(first.T):
        for k, b in enumerate(second.T):
            width = int(b.max()) + 1
            joint = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).reshape(-1, width) / len(a)
            found[j, k] = entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1)) - entropy(joint)
    return np.maximum(found, 0.0)


def entropy(probabilities: np.ndarray) -> float:
    """Returns the entropy of probabilities, nats."""
    positive = probabilities[probabilities > 0]
    return float(-(positive * np.log(positive)).sum())


def gap_of_bins(codes, factors):
    """The mutual information gap of bins [N, D] and [N, F]; factors that are constant in these rows are left out."""
    shared = np.sort(np.pad(information(codes, factors), [(1, 0), (0, 0)]), axis=0)  # of one dimension: a second is 0
    entropies = np.array([entropy(np.bincount(column) / len(column)) for column in factors.T])
    varied = entropies > 0
    return float(np.mean((shared[-1] - shared[-2])[varied] / entropies[varied])) if varied.any() else 0.0


def modularity_of_bins(codes, factors):
    """The modularity of bins [N, D] and [N, F]."""
    squares = information(codes, factors) ** 2
    largest = squares.max(axis=1)
    informed = largest > 1e-12  # rounding, of constant dimensions
    others = squares.sum(axis=1) - largest
    scores = 1.0 - others / np.where(informed, largest * (squares.shape[1] - 1), 1.0)
    return float(np.where(informed, scores, 0.0).mean())
