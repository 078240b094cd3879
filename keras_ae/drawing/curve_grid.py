"""Figures of examples that are not images: sequences as curves, tables as bars."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from keras_ae.drawing.image_grid import framed
from keras_ae.drawing.style import CLASSES, FRAME, INK, PALE

MAX_BARS = 32  # largest table row; longer vectors are drawn as sequences
_MOST_LEGENDS = 10
_GAP = 0.12  # between cells, which are 1 wide


def is_image(event_shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are drawn as images: [H, W], [H, W, 1] or [H, W, 3].

    A long and narrow [T, C], such as 100 steps of 6 channels, is a sequence.
    """
    if len(event_shape) == 3:
        return event_shape[-1] in (1, 3)
    return len(event_shape) == 2 and min(event_shape) >= 8 and max(event_shape) <= 4 * min(event_shape)


def curve_grid(
    x: np.ndarray,
    columns: int | None = None,
    *,
    over: np.ndarray | None = None,
    names: tuple[str, ...] = (),
    title: str | None = None,
    row_labels: list[str] | None = None,
    row_title: str | None = None,
    column_labels: list[str] | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Plots examples that are not images, one cell each, all on one scale.

    Args:
        x: array [N, *event]: a sequence [T, C] becomes one curve per channel, a long vector a curve, a short one bars.
        columns: number of columns; by default about as many as rows.
        over: as many other examples, drawn on top.
        names: legend entries of `x` and `over`.
        title: title of the figure.
        row_labels: one text per row.
        row_title: title of the row labels.
        column_labels: one text per column.
        limits: values at the lower and the upper edge of a cell; by default the smallest and the largest value.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    layers = [np.asarray(each, np.float64) for each in (x, over) if each is not None]
    bars = layers[0].ndim == 2 and layers[0].shape[1] <= MAX_BARS
    layers = [each.reshape(len(each), each.shape[1], -1) for each in layers]  # [N, T, C]
    num, steps, channels = layers[0].shape
    columns = min(columns or math.ceil(math.sqrt(num)), num)
    rows = math.ceil(num / columns)
    low, high = limits or _limits(layers, zero=bars)
    left = 0.55 if row_labels is None else 0.35 + 0.09 * max(len(str(label)) for label in row_labels)
    cell = min(1.6, 10.0 / columns)
    inner = columns * cell, rows * cell * 0.75
    legend = len(layers) > 1 or 1 < channels <= _MOST_LEGENDS
    figure, axes = framed(inner, title=title, left=left, bottom=0.4, top=0.2 if column_labels else 0.0)
    corners = _corners(num, columns)
    _draw_frames(axes, corners)
    for number, layer in enumerate(layers):
        heights = np.clip((layer - low) / (high - low), 0.0, 1.0)
        if bars:
            zero = float(np.clip(-low / (high - low), 0.0, 1.0))
            _draw_bars(axes, corners, heights[..., 0], zero, number, len(layers))
        else:
            _draw_curves(axes, corners, heights, number, len(layers))
    axes.set_xlim(-_GAP / 2, columns * (1 + _GAP) - _GAP / 2)
    axes.set_ylim(-rows * (1 + _GAP) + 1 + _GAP / 2, 1 + _GAP / 2)
    for column, label in enumerate(column_labels or ()):
        axes.text(column * (1 + _GAP) + 0.5, 1.04, label, ha="center", va="bottom", fontsize=8, color=PALE)
    axes.spines[:].set_visible(False)
    axes.set_xticks([0, 1], ["0", str(steps - 1)], fontsize=8, color=PALE)
    axes.set_xlabel("column" if bars else "step", fontsize=8, color=PALE, loc="left", labelpad=0)
    if row_labels is None:
        axes.set_yticks([0, 1], [f"{low:.3g}", f"{high:.3g}"], fontsize=8, color=PALE)
    else:
        middles = [0.5 - row * (1 + _GAP) for row in range(rows)]
        axes.set_yticks(middles, [str(label) for label in row_labels], fontsize=10, color=INK)
        axes.set_ylabel(f"{row_title or ''}  (cells: {low:.3g} to {high:.3g})".strip(), fontsize=9, color=PALE)
    axes.tick_params(length=0)
    if legend:
        _add_legend(axes, names, channels, bars)
    return figure


def _limits(layers, zero):
    low, high = min(np.nanmin(each) for each in layers), max(np.nanmax(each) for each in layers)
    if zero:  # bars start at zero
        low, high = min(low, 0.0), max(high, 0.0)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(high) + 0.5)


def _corners(num, columns):
    """Returns the lower left corner of each cell, [N, 2], from the top row down."""
    row, column = np.divmod(np.arange(num), columns)
    return np.stack([column, -row], axis=-1) * (1 + _GAP)


def _draw_frames(axes: Axes, corners):
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    axes.add_collection(PolyCollection(corners[:, np.newaxis] + square, facecolors=FRAME, edgecolors="none"))


def _draw_curves(axes: Axes, corners, heights, number, layers):
    num, steps, channels = heights.shape
    places = np.linspace(0.0, 1.0, steps) if steps > 1 else np.array([0.5])
    for channel in range(channels):
        lines = np.stack([np.broadcast_to(places, (num, steps)), heights[..., channel]], axis=-1)  # [N, T, 2]
        behind = layers > 1 and number == 0
        color = PALE if behind and channels == 1 else CLASSES[channel % len(CLASSES)]
        style = {"linewidths": 2.2, "alpha": 0.45} if behind else {"linewidths": 1.0}
        axes.add_collection(LineCollection(corners[:, np.newaxis] + lines, colors=color, **style))


def _draw_bars(axes: Axes, corners, heights, zero, number, layers):
    num, columns = heights.shape
    width = 0.8 / columns / layers
    left = (np.arange(columns) + 0.1) / columns + number * width  # [D]
    low, high = np.minimum(heights, zero), np.maximum(heights, zero)  # [N, D]
    left = np.broadcast_to(left, heights.shape)
    edges = [(left, low), (left + width, low), (left + width, high), (left, high)]
    bars = np.stack([np.stack(edge, axis=-1) for edge in edges], axis=2)  # [N, D, 4, 2]
    bars = (corners[:, np.newaxis, np.newaxis] + bars).reshape(num * columns, 4, 2)
    color = PALE if layers > 1 and number == 0 else CLASSES[max(number - 1, 0)]
    axes.add_collection(PolyCollection(bars, facecolors=color, edgecolors="none"))
    ground = corners[:, np.newaxis] + np.array([[0, zero], [1, zero]])  # [N, 2, 2]
    axes.add_collection(LineCollection(ground, colors=PALE, linewidths=0.5))


def _add_legend(axes: Axes, names, channels, bars):
    """Returns the legend: the two layers, with a broad line for the one behind, or the channels of a single layer."""
    widths = [6.0, 6.0] if bars else [2.2, 1.0]
    if names:
        color = CLASSES[0] if channels == 1 else INK
        entries = list(zip(names, [PALE, color], widths, strict=False))
    else:
        entries = [(f"channel {channel}", CLASSES[channel], 1.6) for channel in range(channels)]
    handles = [Line2D([], [], label=name, color=color, linewidth=width) for name, color, width in entries]
    place = {"loc": "upper right", "bbox_to_anchor": (1.0, 0.02), "borderaxespad": 0.4}
    axes.legend(handles=handles, ncols=len(handles), frameon=False, fontsize=8, **place)
