import numpy as np

from keras_ae.validation.arguments import check_array

FAR = 0.01  # support below which no training code is near
_MAX_QUERIES = 2000


def code_support(z: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measures how near codes are to the codes of training examples.

        distance_i = min_j |z_i - codes_j|
        support_i  = fraction of training codes whose nearest other code is at least distance_i away

    A decoder was never trained far from the training codes, so its output there means nothing. Below a support of 0.01,
    z is farther from every training code than 99% of these are from their nearest neighbor. The fraction is estimated
    from at most 2,000 training codes, at equal steps.

    Args:
        z: codes [M, D].
        codes: codes of training examples [N, D], N >= 2.

    Returns:
        (distance, support): float64 arrays [M].

    Raises:
        ValueError: for codes of other shapes, or that are not finite.

    Example:
        >>> distance, support = code_support(np.array([[0.5], [9.0]]), np.arange(4.0)[:, np.newaxis])
        >>> distance.tolist(), support.tolist()
        ([0.5, 6.0], [1.0, 0.0])
    """
    codes = check_array(codes, "codes", event_shape=np.shape(codes)[1:])
    if codes.ndim != 2 or len(codes) < 2:
        raise ValueError(f"`codes` must have shape [N, D] with N >= 2. Received: {list(codes.shape)}")
    z = check_array(z, "z", event_shape=codes.shape[1:])
    distance = nearest(z, codes, 1)[:, 0]
    return distance, support_of(distance, neighbor_distances(codes))


def nearest(z, codes, num):
    """Returns the distances of the `num` nearest codes of each z, float64 [M, num]."""
    from sklearn.neighbors import NearestNeighbors  # slow to import

    return NearestNeighbors(n_neighbors=num).fit(codes).kneighbors(z)[0]


def neighbor_distances(codes):
    """Returns the distances of at most 2,000 codes to their nearest other code, sorted."""
    rows = np.linspace(0, len(codes) - 1, min(len(codes), _MAX_QUERIES)).astype(int)
    return np.sort(nearest(codes[rows], codes, 2)[:, 1])


def support_of(distance, neighbors):
    """Returns the fraction of sorted distances that are at least `distance`."""
    return 1.0 - np.searchsorted(neighbors, distance) / len(neighbors)
