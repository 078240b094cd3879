"""Clusters of pixels and of codes: the mean example of each, and how distances concentrate with the dimension."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid
from keras_ae.drawing.style import INK, PALETTE, new_figure, plain
from keras_ae.evaluate.clustering import accuracy, kmeans, noise_contrast, relative_contrast
from keras_ae.evaluate.clustering.distance_concentration import DIMS
from keras_ae.validation.arguments import check_array


@dataclasses.dataclass(frozen=True)
class ClusterMeans:
    """Clusters of one representation.

    Attributes:
        clusters: cluster of each example, int64 [N], the largest cluster first.
        means: mean example of each cluster, float32 [K, *event].
        sizes: number of examples of each cluster, int64 [K].
        accuracy: fraction of examples whose cluster is matched with their label, or `None` without labels.
    """

    clusters: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    accuracy: float | None


def cluster_means(
    x: np.ndarray, representation: np.ndarray, num_clusters: int, labels: np.ndarray | None = None, *, seed: int = 0
) -> ClusterMeans:
    """Finds clusters of a representation by k-means, and averages the examples of each.

    Args:
        x: examples [N, *event].
        representation: what is clustered, [N, ...]: the examples themselves, or their codes.
        num_clusters: number of clusters, K.
        labels: classes [N], for the accuracy.
        seed: integer seed of k-means.

    Returns:
        `ClusterMeans`.

    Raises:
        ValueError: for unequal numbers of rows, and fewer than K distinct ones.

    Example:
        >>> x = np.array([[0.0], [0.1], [0.2], [5.0]])
        >>> cluster_means(x, x, 2).sizes.tolist()
        [3, 1]
    """
    x = check_array(x, "x")
    if len(x) != len(representation):
        raise ValueError(f"`representation` must have {len(x)} rows. Received: {len(representation)}")
    found = kmeans(representation, num_clusters, seed=seed)
    order = np.argsort(-np.bincount(found, minlength=num_clusters), kind="stable")
    clusters = np.argsort(order)[found]
    means = np.stack([x[clusters == k].mean(axis=0) for k in range(num_clusters)])
    right = None if labels is None else accuracy(labels, clusters)
    return ClusterMeans(clusters, means.astype(np.float32), np.bincount(clusters), right)


def cluster_figure(clusterings: Mapping[str, ClusterMeans], *, title: str | None = None) -> Figure:
    """Plots the mean example of each cluster, one row per representation, the largest cluster first.

    Args:
        clusterings: {name of the representation: `ClusterMeans`}, with as many clusters each.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. Row labels have the accuracy, where there are labels.
    """
    labels = [
        name if each.accuracy is None else f"{name}, accuracy {each.accuracy:.2f}" for name, each in clusterings.items()
    ]
    means = np.stack([each.means for each in clusterings.values()])
    return example_grid(means, title=title or "The mean of each cluster of k-means", row_labels=labels)


def contrast_figure(
    representations: Mapping[str, np.ndarray],
    *,
    dims: Sequence[int] = DIMS,
    num_examples: int = 2000,
    seed: int = 0,
    title: str | None = None,
) -> Figure:
    """Plots how distances concentrate: the relative contrast of noise against its dimension, and of data.

    Args:
        representations: {name: codes or raw values [N, ...]}, each a point at its number of dimensions.
        dims: dimensions of the noise.
        num_examples: examples of the noise, and largest number of the data.
        seed: integer seed.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`, both axes logarithmic: see `keras_ae.evaluate.clustering.relative_contrast`.
    """
    figure = new_figure(6.2, 3.8)
    axes = figure.add_subplot()
    noise = noise_contrast(dims, num_examples=num_examples, seed=seed)
    axes.plot(dims, noise, color=PALETTE[7], marker="o", markersize=3.5, label="normal noise")
    for color, marker, (name, values) in zip(PALETTE, "sD^vPX*h", representations.items(), strict=False):
        dim = int(np.prod(np.shape(values)[1:]))
        contrast = np.median(relative_contrast(values, max_examples=num_examples, seed=seed))
        style = {"color": color, "marker": marker, "markersize": 9, "linestyle": ""}
        axes.plot(dim, contrast, label=f"{name}: {contrast:.3g}", **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain(axes, "number of dimensions", "(farthest - nearest) / nearest distance", title or "Distances concentrate")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    return figure
