import numpy as np

from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.evaluate.metric_inputs import check_codes, check_labels, subsample
from keras_ae.evaluate.threads import threads_for
from keras_ae.validation.arguments import check_size


def knn_accuracy(codes, labels, *, neighbors: int = 5, max_examples: int = 10_000, seed: int = 0) -> float:
    """Accuracy of the k-nearest-neighbor classifier, each example classified by all others (leave-one-out).

        accuracy = 1/N sum_i [labels_i = majority of labels_j over the k nearest j != i]

    Neighbors are the nearest by Euclidean distance. Among classes with equally many votes, the nearer neighbors decide.

    Args:
        codes: codes or other examples [N, ...].
        labels: classes [N].
        neighbors: number of neighbors, k < N.
        max_examples: number of examples that are drawn from the data. The accuracy grows with it.
        seed: integer seed of the draw.

    Returns:
        float in [0, 1]; 1 for a single class.

    Raises:
        ValueError: for other shapes, NaN or infinity, too few examples, and constant codes.

    Example:
        >>> knn_accuracy([[0.0], [0.1], [5.0], [5.1]], ["a", "a", "b", "b"], neighbors=1)
        1.0

    References:
        Cover and Hart 1967, "Nearest neighbor pattern classification".
    """
    return float(knn_hits(codes, labels, neighbors=neighbors, max_examples=max_examples, seed=seed).mean())


def knn_hits(codes, labels, *, neighbors=5, max_examples=10_000, seed=0):
    """Returns whether each drawn example is classified as labeled, bool [M]. Arguments as in `knn_accuracy`."""
    from sklearn.neighbors import NearestNeighbors  # slow to import

    codes = check_spread(check_codes(codes), "codes")
    labels = check_labels(labels, len(codes))
    rows = subsample(len(codes), max_examples, seed)
    codes, labels = codes[rows], labels[rows]
    neighbors = check_size("neighbors", neighbors, high=len(codes) - 1)
    with threads_for(len(codes) ** 2):
        nearest = NearestNeighbors(n_neighbors=neighbors).fit(codes).kneighbors(return_distance=False)  # [M, k]
    votes = np.zeros((len(codes), int(labels.max()) + 1))
    for rank, column in enumerate(nearest.T):
        votes[np.arange(len(codes)), labels[column]] += 1.0 + 0.5 ** (rank + 1) / neighbors
    return votes.argmax(axis=1) == labels


def check_spread(codes, name):
    """Returns codes [N, D] that are not all equal; equal codes have no nearest neighbors."""
    if not np.ptp(codes, axis=0).any():
        raise NotApplicableError(f"`{name}` must have at least two distinct rows. Received: constant values")
    return codes
