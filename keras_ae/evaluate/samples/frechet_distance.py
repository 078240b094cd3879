import numpy as np

from keras_ae.evaluate.metric import NotApplicableError


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the squared Frechet distance of two sets of features, between normal distributions with their moments.

        |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))

    With a classifier's features, it measures the distance between the distributions of generated and real examples. It
    has no unit, and values are comparable only for the same classifier and numbers of examples: fewer examples give a
    larger distance.

    Args:
        first, second: features [N, F] and [M, F], at least two rows each.

    Returns:
        float >= 0.

    Raises:
        ValueError: for other shapes, NaN or infinity.

    Example:
        >>> import numpy as np
        >>> square = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
        >>> round(frechet_distance(square, square + 3.0), 6)
        18.0

    References:
        Dowson and Landau 1982, "The Frechet distance between multivariate normal distributions", equation 16; Heusel
        et al. 2017, arXiv:1706.08500, section 2, for features of a classifier.
    """
    (loc1, cov1), (loc2, cov2) = (_moments(x) for x in check_features(first, second))
    # tr (C1 C2)^(1/2) from a symmetric matrix with the same eigenvalues, whose roots stay real despite rounding.
    values, vectors = np.linalg.eigh(cov1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov2 @ root), 0.0)).sum()
    return max(float(np.sum((loc1 - loc2) ** 2) + np.trace(cov1) + np.trace(cov2) - 2.0 * common), 0.0)


def check_features(first, second) -> tuple[np.ndarray, np.ndarray]:
    """Returns two sets of features as float64 arrays, or raises a `ValueError` if they cannot be compared."""
    found = []
    for x, name in ((first, "first"), (second, "second")):
        x = np.asarray(x, np.float64)
        if x.ndim != 2 or not np.isfinite(x).all():
            raise ValueError(f"`{name}` must be finite features [N, F]. Received: {list(x.shape)}")
        if len(x) < 2:
            raise NotApplicableError(f"`{name}` must have at least 2 examples. Received: {len(x)}")
        found.append(x)
    sizes = [x.shape[1] for x in found]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"`first` and `second` must have equal numbers of features. Received: {sizes[0]} and {sizes[1]}"
        )
    return tuple(found)


def _moments(x):
    return x.mean(axis=0), np.atleast_2d(np.cov(x, rowvar=False))
