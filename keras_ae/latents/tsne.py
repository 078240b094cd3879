"""Maps of examples by t-SNE, and the landmarks of a map."""

import numpy as np

_DIMENSIONS = 50  # of the principal components that t-SNE compares
_THREADS = 2  # scikit-learn adds the sums of its threads in any order, which makes no difference for two
_WIDTH = 0.7  # of a landmark's neighborhood, as a share of the distance to the nearest other landmark


def tsne_map(
    x: np.ndarray, dim: int = 2, *, perplexity: float = 30.0, seed: int = 0, verbose: bool = False
) -> np.ndarray:
    """Returns a t-SNE map of examples, in which neighbors are neighbors: float32 [N, dim], with a variance of 1.

    t-SNE compares the first 50 principal components, as the paper does with images. It takes about 10 minutes for
    50,000 examples on one core, and uses two cores at most, so that equal seeds give equal maps.

    Args:
        x: examples [N, *event], N >= 4, on scales that make their distances meaningful.
        dim: number of dimensions of the map, 2 or 3.
        perplexity: effective number of neighbors; at most a third of N is used.
        seed: integer seed.
        verbose: whether to print the progress.

    Raises:
        ValueError: for fewer than 4 examples, and for equal ones.

    References:
        van der Maaten and Hinton 2008, "Visualizing data using t-SNE", JMLR 9; van der Maaten 2014, "Accelerating t-SNE
        using tree-based algorithms", JMLR 15, for the algorithm in scikit-learn.
    """
    from sklearn.decomposition import PCA  # slow to import
    from sklearn.manifold import TSNE
    from threadpoolctl import ThreadpoolController

    x = np.asarray(x, np.float32).reshape(len(x), -1)
    if len(x) < 4 or (x == x[0]).all():
        raise ValueError(f"`x` must have at least 4 examples, which are not all equal. Received: {len(x)}")
    size = min(_DIMENSIONS, *x.shape)
    if size < x.shape[1]:
        x = PCA(size, random_state=seed).fit_transform(x)
    start = "pca" if min(x.shape) >= dim else "random"
    options = {"init": start, "random_state": seed, "verbose": int(verbose)}
    controller = ThreadpoolController()
    threads = [library["num_threads"] for library in controller.info() if library["user_api"] == "openmp"]
    with controller.limit(limits=min([_THREADS, *threads]), user_api="openmp"):
        places = TSNE(dim, perplexity=min(perplexity, (len(x) - 1) / 3), **options).fit_transform(x)
    places -= places.mean(axis=0)
    return (places / (places.std() + 1e-12)).astype(np.float32)


def landmarks_of(places: np.ndarray, num: int, seed: int = 0) -> tuple[np.ndarray, float]:
    """Returns landmarks of a map, the centers of k-means, and the width of the neighborhood of each.

    Args:
        places: the places of examples, float32 [N, D], not all equal.
        num: number of landmarks, M. If there are no more places than that, they are the landmarks, repeated.
        seed: integer seed.

    Returns:
        (landmarks, width): float32 [M, D], and the standard deviation of a normal density around each.
    """
    from sklearn.cluster import KMeans  # slow to import
    from sklearn.neighbors import NearestNeighbors

    means = np.unique(places, axis=0)
    if len(means) > num:
        means = KMeans(num, n_init=1, random_state=seed).fit(places).cluster_centers_
    neighbors = NearestNeighbors(n_neighbors=min(2, len(means))).fit(means)
    distances = neighbors.kneighbors(means)[0][:, -1]  # to the nearest other one
    width = float(_WIDTH * np.median(distances)) if len(means) > 1 else 1.0
    return np.resize(means, (num, places.shape[1])).astype(np.float32), width
