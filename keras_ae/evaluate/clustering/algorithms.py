"""Clustering algorithms of scikit-learn, with the settings that all evaluations share."""

import importlib
import warnings

import numpy as np

from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.evaluate.metric_inputs import check_codes
from keras_ae.evaluate.threads import threads_for
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_size

_MAX_FULL_DIM = 64  # a full covariance has D^2 / 2 numbers per component


def kmeans(x, num_clusters: int, *, num_inits: int = 10, seed: int = 0) -> np.ndarray:
    """Finds clusters by k-means, which minimizes the squared distances to the nearest center.

        sum_i min_k |x_i - center_k|^2

    Args:
        x: codes or raw values [N, ...].
        num_clusters: number of clusters, K.
        num_inits: number of k-means++ starts, of which the best is kept.
        seed: integer seed of the starts.

    Returns:
        int64 [N], in 0 ... K - 1.

    Raises:
        ValueError: for other shapes, NaN or infinity, and fewer than K distinct rows.

    Example:
        >>> sorted(np.bincount(kmeans([[0.0], [0.1], [0.2], [5.0]], 2, seed=0)).tolist())
        [1, 3]

    References:
        Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding".
    """
    from sklearn.cluster import KMeans  # slow to import

    x = _checked(x, num_clusters, seed)
    num_inits = check_size("num_inits", num_inits)
    return _fitted(KMeans(num_clusters, n_init=num_inits, random_state=seed), x, num_clusters).labels_.astype(np.int64)


def gaussian_mixture(x, num_clusters: int, *, num_inits: int = 1, seed: int = 0) -> np.ndarray:
    """Finds clusters as the components of a Gaussian mixture that maximizes the likelihood.

        p(x) = sum_k w_k N(x; loc_k, cov_k),  cluster_i = argmax_k p(k|x_i)

    Covariances are full for up to 64 dimensions and diagonal for more. A ten-thousandth of the mean variance is added
    to their diagonal, for dimensions that are constant within a cluster, such as the border of images.

    Args:
        x: codes or raw values [N, ...].
        num_clusters: number of components, K.
        num_inits: number of k-means starts, of which the best is kept.
        seed: integer seed of the starts.

    Returns:
        int64 [N], in 0 ... K - 1.

    Raises:
        ValueError: for other shapes, NaN or infinity, and fewer than K distinct rows.

    Example:
        >>> sorted(np.bincount(gaussian_mixture([[0.0], [0.1], [0.2], [5.0], [5.1]], 2, seed=0)).tolist())
        [2, 3]

    References:
        Dempster, Laird and Rubin 1977, "Maximum likelihood from incomplete data via the EM algorithm".
    """
    x = _checked(x, num_clusters, seed)
    return fitted_mixture(x, num_clusters, num_inits=num_inits, seed=seed).predict(x).astype(np.int64)


def fitted_mixture(x, num_clusters, *, num_inits=1, seed=0, clusters=None):
    """Returns scikit-learn's `GaussianMixture` that was fitted to checked x [N, D].

    It starts at k-means, or at given clusters [N].
    """
    from sklearn.mixture import GaussianMixture  # slow to import

    covariance = "full" if x.shape[1] <= _MAX_FULL_DIM else "diag"
    floor = 1e-4 * float(x.var(axis=0).mean()) or 1e-6
    start = {} if clusters is None else _moments(x, clusters, covariance, floor)
    mixture = GaussianMixture(
        num_clusters, covariance_type=covariance, n_init=num_inits, reg_covar=floor, max_iter=200, random_state=seed
    )
    return _fitted(mixture.set_params(**start), x, num_clusters)


def _moments(x, clusters, covariance, floor):
    """The moments of clusters, as a start of scikit-learn's `GaussianMixture`."""
    parts = [x[clusters == each] for each in np.unique(clusters)]
    if covariance == "diag":
        precisions = np.stack([1.0 / (part.var(axis=0) + floor) for part in parts])
    else:
        ridge = floor * np.eye(x.shape[1])
        covariances = [np.atleast_2d(np.cov(part, rowvar=False, bias=True)) for part in parts]
        precisions = np.linalg.inv(np.stack(covariances) + ridge)
    return {
        "weights_init": np.array([len(part) for part in parts]) / len(x),
        "means_init": np.stack([part.mean(axis=0) for part in parts]),
        "precisions_init": precisions,
    }


def hdbscan(x, *, min_cluster_size: int | None = None) -> np.ndarray:
    """Finds clusters as dense regions, whose number is not given, and marks the examples between them as noise.

    Args:
        x: codes or raw values [N, ...].
        min_cluster_size: least number of examples of a cluster, >= 2; `None` for 1% of the examples, at least 5.

    Returns:
        int64 [N], -1 for noise. Constant data is all noise.

    Raises:
        ValueError: for other shapes, NaN or infinity, and fewer than `min_cluster_size` examples.

    Example:
        >>> x = np.concatenate([np.zeros([20, 1]), np.ones([20, 1])]) + np.linspace(0, 0.1, 40)[:, np.newaxis]
        >>> np.unique(hdbscan(x)).tolist()
        [0, 1]

    References:
        Campello, Moulavi and Sander 2013, "Density-based clustering based on hierarchical density estimates".
    """
    from sklearn.cluster import HDBSCAN  # slow to import

    x = check_codes(x, "x")
    least = (
        max(5, len(x) // 100) if min_cluster_size is None else check_size("min_cluster_size", min_cluster_size, low=2)
    )
    if len(x) < least:
        raise NotApplicableError(f"`x` must have at least `min_cluster_size`={least} examples. Received: {len(x)}")
    if not np.ptp(x, axis=0).any():
        return np.full(len(x), -1)
    return HDBSCAN(min_cluster_size=least, copy=True).fit(x).labels_.astype(np.int64)


def umap_codes(x, dim: int = 10, *, num_neighbors: int = 20, seed: int = 0) -> np.ndarray:
    """Embeds examples by UMAP with settings for clustering: points may lie on each other (`min_dist=0`).

    Args:
        x: codes or raw values [N, ...], more than `num_neighbors` + 1 rows.
        dim: dimension of the embedding.
        num_neighbors: neighbors of each example.
        seed: integer seed.

    Returns:
        float32 [N, dim].

    Raises:
        ImportError: if umap-learn is not installed.
        ValueError: for other shapes, NaN or infinity, and too few examples.

    References:
        McInnes, Healy and Melville 2018, arXiv:1802.03426; McConville et al. 2021, arXiv:1908.05968, for clustering in
        a UMAP of codes.
    """
    x = check_codes(x, "x", min_rows=check_size("num_neighbors", num_neighbors, low=2) + 2)
    check_size("dim", dim, high=len(x) - 2)
    check_seed(seed)
    try:
        umap = importlib.import_module("umap")
    except ImportError as error:
        raise ImportError('UMAP before clustering needs umap-learn: pip install "keras_ae[umap]".') from error
    embedding = umap.UMAP(n_components=dim, n_neighbors=num_neighbors, min_dist=0.0, random_state=seed, n_jobs=1)
    return embedding.fit_transform(x).astype(np.float32)


def _checked(x, num_clusters, seed):
    x = check_codes(x, "x")
    check_seed(seed)
    check_size("num_clusters", num_clusters)
    if len(x) < num_clusters:
        raise NotApplicableError(f"`x` must have at least `num_clusters`={num_clusters} examples. Received: {len(x)}")
    return x


def _fitted(estimator, x, num_clusters):
    """Fits an estimator; k-means, which starts the mixture too, warns where rows are equal."""
    from sklearn.exceptions import ConvergenceWarning  # slow to import

    with threads_for(x.size), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(x)
    if any("distinct clusters" in str(each.message) for each in caught):
        raise NotApplicableError(f"`x` must have at least `num_clusters`={num_clusters} distinct rows. Received: fewer")
    return estimator
