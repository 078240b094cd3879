import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_ae.drawing.style import INK, PALE, PAPER


def tile(
    images: np.ndarray, columns: int | None = None, *, limits: tuple[float, float] | None = None, gap: int = 1
) -> np.ndarray:
    """Tiles images into one image, separated by white gaps.

    Args:
        images: array [N, H, W, C] or [rows, columns, H, W, C] with 1 or 3 channels; NaN is no image.
        columns: number of columns for N images; by default about as many as rows.
        limits: the values of black and white; by default (0, 1), or more if the images exceed it by far.
        gap: width of the gap, in pixels of the images.

    Returns:
        float32 array [height, width, C] in [0, 1].

    Raises:
        ValueError: for arrays of other shapes.

    Example:
        >>> tile(np.zeros([6, 8, 8, 1]), columns=3).shape
        (17, 26, 1)
    """
    images = np.asarray(images, np.float32)
    if images.ndim not in (4, 5) or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            "`images` must have shape [N, H, W, C] or [rows, columns, H, W, C], with 1 or 3 channels. "
            f"Received: {list(images.shape)}"
        )
    images = _scaled(images, limits)
    if images.ndim == 4:
        images = _in_rows(images, columns)
    rows, columns, height, width, channels = images.shape
    padded = np.pad(images, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=1.0)
    picture = padded.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), channels)
    return picture[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


def image_grid(
    images: np.ndarray,
    columns: int | None = None,
    *,
    title: str | None = None,
    row_labels: list[str] | None = None,
    row_title: str | None = None,
    column_labels: list[str] | None = None,
    column_title: str | None = None,
    shaded: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Plots a grid of images.

    Args:
        images: array [N, H, W, C] or [rows, columns, H, W, C] with 1 or 3 channels; NaN is no image.
        columns: number of columns for N images; by default about as many as rows.
        title: title of the figure.
        row_labels: one text per row.
        row_title: title of the row labels.
        column_labels: one text per column.
        column_title: title of the column labels.
        shaded: bool [rows, columns]: images to shade.
        limits: the values of black and white; by default (0, 1), or more if the images exceed it by far.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for arrays of other shapes, or if the number of labels is not the number of rows.
    """
    images = np.asarray(images, np.float32)
    picture = tile(images, columns, limits=limits)
    height, width = images.shape[-3:-1]
    rows, across = (picture.shape[0] + 1) // (height + 1), (picture.shape[1] + 1) // (width + 1)
    # Cells have the same width in every figure, unless they are wide; the figure size follows from the grid.
    cell = min(0.62 * min(max(1.0, width / height), 3.0), 9.0 / across)
    inner = across * cell, rows * cell * height / width
    bottom = 0.0 if column_labels is None else 0.25 + (0.22 if column_title else 0.0)
    figure, axes = framed(inner, title=title, left=_label_width(row_labels, row_title), bottom=bottom)
    solid = np.where(np.isnan(images[..., :1]), 1.0, 0.0)
    gaps = tile(solid, columns, limits=(0.0, 1.0))  # 1 where the paper shows
    colors = np.concatenate([np.broadcast_to(picture, (*picture.shape[:2], 3)), 1.0 - gaps], axis=-1)
    axes.imshow(colors, interpolation="nearest")
    axes.set_aspect("auto")  # the axes already have the right shape
    axes.set_axis_on()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if row_labels is not None:
        if len(row_labels) != rows:
            raise ValueError(f"`row_labels` must have one text for each of {rows} rows. Received: {len(row_labels)}")
        centers = [row * (height + 1) + (height - 1) / 2 for row in range(rows)]
        axes.set_yticks(centers, [str(label) for label in row_labels], fontsize=11, color=INK)
        axes.set_ylabel(row_title or "", fontsize=11, color=INK)
    if column_labels is not None:
        if len(column_labels) != across:
            raise ValueError(
                f"`column_labels` must have one text for each of {across} columns. Received: {len(column_labels)}"
            )
        centers = [column * (width + 1) + (width - 1) / 2 for column in range(across)]
        axes.set_xticks(centers, [str(label) for label in column_labels], fontsize=9, color=INK)
        axes.set_xlabel(column_title or "", fontsize=10, color=INK)
    axes.tick_params(left=False, bottom=False, pad=5)
    for row, column in np.argwhere(np.zeros([0, 2]) if shaded is None else shaded):
        corner = column * (width + 1) - 0.5, row * (height + 1) - 0.5
        shade = {"facecolor": PAPER, "edgecolor": PALE, "hatch": "////", "linewidth": 0.0, "alpha": 0.6}
        axes.add_patch(Rectangle(corner, width, height, **shade))
    return figure


def framed(
    inner: tuple[float, float],
    *,
    title: str | None = None,
    left: float = 0.0,
    right: float = 0.0,
    bottom: float = 0.0,
    top: float = 0.0,
) -> tuple[Figure, Axes]:
    """Returns a figure with one axes of `inner` (width, height) inches and margins for labels and a title."""
    margin = 0.15
    top += margin + (0.36 if title else 0.0)
    # A narrow grid must leave room for the title.
    side = max(0.0, (0.088 * len(title or "") - inner[0] - left - right) / 2)
    width = inner[0] + left + right + 2 * (margin + side)
    height = inner[1] + top + bottom + margin
    figure = Figure(figsize=(width, height), facecolor=PAPER, dpi=150)
    place = [(margin + side + left) / width, (margin + bottom) / height, inner[0] / width, inner[1] / height]
    axes = figure.add_axes(place)
    if title:
        figure.text(0.5, 1 - 0.13 / height, title, ha="center", va="top", fontsize=12, color=INK)
    return figure, axes


def _label_width(labels, title):
    if labels is None:
        return 0.0
    return 0.25 + 0.09 * max(len(str(label)) for label in labels) + (0.25 if title else 0.0)


def _scaled(images, limits):
    if limits is None:
        limits = float(np.nanmin(images)), float(np.nanmax(images))
        if limits[0] > -0.5 and limits[1] < 1.5:  # images in [0, 1]; a normal likelihood may overshoot a little
            limits = (0.0, 1.0)
    low, high = limits
    return np.nan_to_num(np.clip((images - low) / (high - low), 0.0, 1.0), nan=1.0)


def _in_rows(images, columns):
    if columns is None:
        columns = math.ceil(math.sqrt(len(images)))
    if columns < 1:
        raise ValueError(f"`columns` must be positive. Received: columns={columns}")
    columns = min(columns, len(images))
    missing = -len(images) % columns
    images = np.concatenate([images, np.ones([missing, *images.shape[1:]], np.float32)])  # white, like the gaps
    return images.reshape(-1, columns, *images.shape[1:])
