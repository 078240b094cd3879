from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from keras_ae.drawing.codes_2d import codes_2d

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
    title: str | None = None,
    seed: int = 0,
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
        title: title of the figure.
        seed: as in `codes_2d`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the numbers of labels and examples differ.
    """
    points, names = codes_2d(model.encode(x, condition), method, seed=seed)
    if labels is not None and np.shape(labels) != (len(points),):
        raise ValueError(f"`labels` must be {len(points)} numbers. Received: shape {list(np.shape(labels))}")
    figure = Figure(figsize=(7.2, 6.0), facecolor="white", dpi=150, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    axes = figure.add_subplot()
    size = float(np.clip(9000 / len(points), 4, 28))
    _scatter(axes, points, labels, size, label_name, class_names)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.set_aspect("equal", adjustable="datalim")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    if names[0].startswith(("t-SNE", "UMAP")):
        axes.set_xticks([], [])
        axes.set_yticks([], [])
    if title is None:
        # A conditional model receives the property, so its codes should not depend on it.
        given = "" if model.condition is None else ", the condition is given to the model"
        title = f"{type(model).__name__}: codes of {len(points):,} examples ({model.latent_dim}-D){given}"
    axes.set_title(title, fontsize=12, pad=10)
    return figure


def _scatter(axes, points, labels, size, label_name, class_names):
    style = {"s": size, "linewidths": 0.3, "edgecolors": "white", "alpha": 0.9}
    if labels is None:
        axes.scatter(*points.T, color="#4477aa", **style)
        return
    labels = np.asarray(labels)
    if labels.dtype.kind == "i" and labels.min() == -1:
        axes.scatter(*points[labels == -1].T, color="#cccccc", label="unknown", **style)
        points, labels = points[labels != -1], labels[labels != -1]
    classes = np.unique(labels)
    if labels.dtype.kind == "f" or len(classes) > _MAX_CLASSES:
        drawn = axes.scatter(*points.T, c=labels, cmap="viridis", **style)
        axes.figure.colorbar(drawn, ax=axes, label=label_name)
        return
    palette = colormaps["tab10" if len(classes) <= 10 else "tab20"].colors
    for color, value in zip(palette, classes, strict=False):
        name = class_names[value] if class_names and 0 <= value < len(class_names) else str(value)
        axes.scatter(*points[labels == value].T, color=color, label=name, **style)
    legend = axes.legend(title=label_name, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([40])
        handle.set_alpha(1.0)
