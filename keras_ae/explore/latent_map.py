from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib import patheffects
from matplotlib.figure import Figure

from keras_ae.drawing.curve_grid import is_image
from keras_ae.drawing.style import CLASSES, INK, PALETTE, PAPER, SEQUENTIAL, new_figure, plain
from keras_ae.evaluate.maps.codes_2d import codes_2d
from keras_ae.explore.map_layers import draw_density, draw_margins, draw_thumbnails

_MAX_CLASSES = 20


def latent_map(
    model: keras.Model,
    x: Any,
    labels: Any = None,
    condition: Any = None,
    *,
    method: str = "auto",
    label_name: str = "class",
    class_names: Sequence[str] | None = None,
    contours: bool = False,
    margins: bool = False,
    thumbnails: bool = False,
    title: str | None = None,
    seed: int = 0,
    verbose: int = 0,
) -> Figure:
    """Plots a map of the codes: one point per example, colored by label.

    Args:
        model: an `Autoencoder`.
        x: examples [N, *event].
        labels: one number per example: up to 20 different integers are classes with one color each, others a scale. If
            the smallest integer is -1, it marks unknown labels, whose points are gray.
        condition: the conditions of the examples, for a conditional model.
        method: the projection, as in `codes_2d`.
        label_name: name of the labels.
        class_names: one text per class.
        contours: whether to draw contours with 90, 50 and 10% of the codes inside.
        margins: whether to draw histograms at the edges, against the density of the standard normal.
        thumbnails: whether to draw the examples at their codes, as many as fit without overlap; for images.
        title: title of the figure.
        seed, verbose: as in `codes_2d`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the numbers of labels and examples differ, and for thumbnails of examples that are not images.
    """
    points, names = codes_2d(model.encode(x, condition), method, seed=seed, verbose=verbose)
    if labels is not None and np.shape(labels) != (len(points),):
        raise ValueError(f"`labels` must be {len(points)} numbers. Received: shape {list(np.shape(labels))}")
    figure = new_figure(7.2, 6.0)
    axes = figure.add_subplot()
    size = float(np.clip(9000 / len(points), 4, 28))
    _scatter(
        axes,
        points,
        labels,
        size,
        label_name,
        class_names,
        right=1.2 if margins else 1.0,
        named=not thumbnails and model.condition is None,
    )
    plain(axes, *names)
    axes.set_aspect("equal", adjustable="box" if margins else "datalim")
    if margins:
        middle, reach = (points.max(axis=0) + points.min(axis=0)) / 2, 0.55 * np.ptp(points, axis=0).max() or 1.0
        axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    if names[0].startswith(("t-SNE", "UMAP")):
        axes.set_xticks([], [])
        axes.set_yticks([], [])
    if title is None:
        # A conditional model receives the property, so its codes should not depend on it.
        given = "" if model.condition is None else ", given the condition"
        title = f"{type(model).__name__}: codes of {len(points):,} examples ({model.latent_dim}-D){given}"
    axes.set_title(title, fontsize=12, color=INK, pad=76 if margins else 10)
    if contours:
        draw_density(axes, points)
    if margins:
        draw_margins(figure, axes, points)
    if thumbnails:
        draw_thumbnails(figure, axes, points, _images(x))
    return figure


def _images(x):
    x = np.asarray(x, np.float32)
    if not is_image(x.shape[1:]):
        raise ValueError(f"`thumbnails` must be False for examples that are not images. Received: {list(x.shape[1:])}")
    return x if x.ndim == 4 else x[..., np.newaxis]


def _scatter(axes, points, labels, size, label_name, class_names, right, named):
    style = {"s": size, "linewidths": 0.3, "edgecolors": "white", "alpha": 0.9}
    if labels is None:
        axes.scatter(*points.T, color=PALETTE[0], **style)
        return
    labels = np.asarray(labels)
    if labels.dtype.kind == "i" and labels.min() == -1:
        axes.scatter(*points[labels == -1].T, color="#cccccc", label="unknown", **style)
        points, labels = points[labels != -1], labels[labels != -1]
    classes = np.unique(labels)
    if labels.dtype.kind == "f" or len(classes) > _MAX_CLASSES:
        drawn = axes.scatter(*points.T, c=labels, cmap=SEQUENTIAL, **style)
        axes.figure.colorbar(drawn, ax=axes, label=label_name)
        return
    for number, value in enumerate(classes):
        name = class_names[value] if class_names and 0 <= value < len(class_names) else str(value)
        color, marker = CLASSES[number % len(CLASSES)], "o^"[number // len(CLASSES)]
        axes.scatter(*points[labels == value].T, color=color, marker=marker, label=name, **style)
        if not named:
            continue
        halo = [patheffects.withStroke(linewidth=2.5, foreground=PAPER)]
        middle = np.median(points[labels == value], axis=0)  # a name to read where colors cannot be told apart
        axes.text(*middle, name, ha="center", va="center", fontsize=11, weight="bold", color=INK, path_effects=halo)
    legend = axes.legend(title=label_name, loc="center left", bbox_to_anchor=(right, 0.5), frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([40])
        handle.set_alpha(1.0)
