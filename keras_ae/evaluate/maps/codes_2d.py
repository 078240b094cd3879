import importlib

import numpy as np

from keras_ae.evaluate.maps.code_plane import code_plane

METHODS = ("auto", "identity", "pca", "tsne", "umap", "autoencoder")


def codes_2d(
    codes: np.ndarray, method: str = "auto", *, seed: int = 0, verbose: int = 0
) -> tuple[np.ndarray, tuple[str, str]]:
    """Projects codes to two dimensions.

    Args:
        codes: array [N, D].
        method: `"identity"` keeps two-dimensional codes, `"pca"` and `"tsne"` use scikit-learn, `"umap"` uses
            umap-learn; `"autoencoder"` trains one of two latent dimensions on the codes, which `code_plane` returns;
            `"auto"` is `"identity"` if D is 2 and `"pca"` otherwise.
        seed: seed of the stochastic methods.
        verbose: 1 shows the progress of the autoencoder's training.

    Returns:
        (points, axes): float32 array [N, 2] and the names of its two axes; only the axes of PCA have a meaning.

    Raises:
        ValueError: for an unknown method, or codes that it cannot take.
        ImportError: if the method needs a package that is not installed.

    Example:
        >>> codes_2d(np.zeros([4, 2]))[1]
        ('code 1', 'code 2')
    """
    codes = np.asarray(codes, np.float32)
    if codes.ndim != 2 or not np.isfinite(codes).all():
        raise ValueError(f"`codes` must be a finite array [N, D]. Received: shape {list(codes.shape)}")
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {list(METHODS)}. Received: method={method!r}")
    num, dim = codes.shape
    if method == "auto":
        method = "identity" if dim <= 2 else "pca"
    if method == "identity" and dim > 2:
        raise ValueError(f'`method` "identity" needs codes of two dimensions. Received: {dim}')
    if method == "identity" or dim == 1:
        return (codes, ("code 1", "code 2")) if dim == 2 else (np.pad(codes, [(0, 0), (0, 1)]), ("code 1", ""))
    if num < 3:
        raise ValueError(f"`codes` must have at least 3 rows for {method}. Received: {num}")
    if method == "autoencoder":
        return code_plane(codes, seed=seed, verbose=verbose).encode(codes), ("autoencoder 1", "autoencoder 2")
    return {"pca": _pca, "tsne": _tsne, "umap": _umap}[method](codes, seed)


def _pca(codes, seed):
    from sklearn.decomposition import PCA  # slow to import

    pca = PCA(2, random_state=seed)
    with np.errstate(invalid="ignore", divide="ignore"):  # all codes are equal
        points = pca.fit_transform(codes)
        shares = np.nan_to_num(pca.explained_variance_ratio_)
    names = (f"principal component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(shares))
    return points.astype(np.float32), tuple(names)


def _tsne(codes, seed):
    from sklearn.manifold import TSNE  # slow to import

    points = TSNE(2, perplexity=min(30.0, (len(codes) - 1) / 3), init="pca", random_state=seed).fit_transform(codes)
    return points.astype(np.float32), ("t-SNE 1", "t-SNE 2")


def _umap(codes, seed):
    try:
        umap = importlib.import_module("umap")
    except ImportError as error:
        raise ImportError(
            'The method "umap" needs umap-learn: pip install "keras_ae[umap]" (or choose "pca" or "tsne").'
        ) from error
    return umap.UMAP(random_state=seed, n_jobs=1).fit_transform(codes).astype(np.float32), ("UMAP 1", "UMAP 2")
