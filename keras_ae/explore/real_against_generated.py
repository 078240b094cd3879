"""Real against generated examples, for sequences and tables: curves with bands, parallel coordinates, pair plots."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from keras_ae.drawing.style import INK, PALETTE, new_figure, plain
from keras_ae.validation.arguments import check_array

_NAMES = ("real", "generated")
_MOST_LINES, _MOST_POINTS, _MOST_COLUMNS = 150, 1000, 6


def bands(x: np.ndarray, quantiles: Sequence[float] = (0.05, 0.5, 0.95)) -> np.ndarray:
    """Returns quantiles over examples of each value: [N, *event] to float64 [len(quantiles), *event].

    Example:
        >>> bands(np.arange(5.0)[:, np.newaxis], [0.0, 0.5]).tolist()
        [[0.0], [2.0]]
    """
    return np.quantile(check_array(x, "x").astype(np.float64), quantiles, axis=0)


def curve_bands(
    real: np.ndarray, generated: np.ndarray, *, names: Sequence[str] = (), unit: str = "", title: str | None = None
) -> Figure:
    """Plots the median of sequences and the band between their 5% and 95% quantile, one panel per channel.

    Args:
        real: sequences [N, T] or [N, T, C].
        generated: other sequences [M, ...] of the same shape.
        names: one text per channel.
        unit: unit of the values.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for examples of different shapes.
    """
    parts = _checked(real, generated)
    parts = [each.reshape(len(each), each.shape[1], -1) for each in parts]
    channels = parts[0].shape[-1]
    figure = new_figure(4.2 * min(channels, 3) + 0.4, 2.9 * -(-channels // 3) + 0.3)
    panels = figure.subplots(-(-channels // 3), min(channels, 3), squeeze=False, sharex=True).ravel()
    for axes in panels[channels:]:
        axes.set_visible(False)
    for channel, axes in enumerate(panels[:channels]):
        for color, style, name, each in zip(PALETTE, ("-", "--"), _NAMES, parts, strict=False):
            low, middle, high = bands(each[..., channel])
            steps = np.arange(len(middle))
            axes.fill_between(steps, low, high, color=color, alpha=0.22, linewidth=0)
            axes.plot(steps, middle, color=color, linestyle=style, linewidth=1.5, label=f"{name}: median, 5 to 95%")
        title_of = names[channel] if len(names) else f"channel {channel}" if channels > 1 else ""
        plain(axes, "step", f"value [{unit}]" if unit else "value", title_of)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2, frameon=False, fontsize=9, labelcolor=INK)
    figure.suptitle(title or "Real against generated sequences", fontsize=12, color=INK)
    return figure


def parallel_coordinates(
    real: np.ndarray, generated: np.ndarray, *, columns: Sequence[str] = (), title: str | None = None
) -> Figure:
    """Plots rows of tables as lines across their columns, real below generated, on the scale of the real ones.

    Args:
        real: rows [N, D]; 150 at equal steps are drawn at most.
        generated: other rows [M, D].
        columns: one name per column.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure` with two panels. Each column goes from the 1% quantile of the real rows, at 0, to
        their 99% quantile, at 1.

    Raises:
        ValueError: for rows of different shapes.
    """
    parts = _checked(real, generated)
    low, high = np.quantile(parts[0], [0.01, 0.99], axis=0)
    width = np.where(high > low, high - low, 1.0)
    dim = parts[0].shape[1]
    names = _columns(columns, dim)
    figure = new_figure(max(5.0, 0.55 * dim + 1.5), 4.6)
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    for axes, color, name, each in zip(panels, PALETTE, _NAMES, parts, strict=False):
        rows = each[np.linspace(0, len(each) - 1, min(len(each), _MOST_LINES)).astype(int)]
        heights = (rows - low) / width
        lines = np.stack([np.broadcast_to(np.arange(dim), heights.shape), heights], axis=-1)
        axes.add_collection(LineCollection(lines, colors=color, linewidths=0.6, alpha=0.35))
        axes.set_xlim(-0.2, dim - 0.8)
        axes.set_ylim(-0.35, 1.35)
        plain(axes, "", "scaled value", f"{name} ({len(each):,} rows)")
    turned = {"rotation": 40, "ha": "right"} if max(map(len, names)) > 6 else {}
    panels[1].set_xticks(range(dim), names, **turned)
    figure.suptitle(title or "Parallel coordinates (0 and 1: the 1% and 99% quantile)", fontsize=12, color=INK)
    return figure


def pair_plots(
    real: np.ndarray, generated: np.ndarray, *, columns: Sequence[str] = (), title: str | None = None
) -> Figure:
    """Plots every pair of columns, real against generated, with histograms on the diagonal.

    Args:
        real: rows [N, D], of which the first six columns are drawn; 1,000 rows at equal steps at most.
        generated: other rows [M, D].
        columns: one name per column.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`: real rows below the diagonal, generated ones above it, on one scale.

    Raises:
        ValueError: for rows of different shapes.
    """
    parts = _checked(real, generated)
    dim = min(parts[0].shape[1], _MOST_COLUMNS)
    names = _columns(columns, parts[0].shape[1])
    parts = [each[np.linspace(0, len(each) - 1, min(len(each), _MOST_POINTS)).astype(int), :dim] for each in parts]
    limits = np.quantile(parts[0], [0.005, 0.995], axis=0)
    room = 0.15 * np.maximum(limits[1] - limits[0], 1e-9)
    limits += [-room, room]
    figure = new_figure(1.5 * dim + 0.8, 1.5 * dim + 0.9)
    panels = figure.subplots(dim, dim, squeeze=False)
    for (row, column), axes in np.ndenumerate(panels):
        plain(axes, names[column] if row == dim - 1 else "", names[row] if column == 0 else "", grid=False)
        axes.tick_params(labelbottom=row == dim - 1, labelleft=column == 0 and row > 0, labelsize=7)
        axes.set_xlim(*limits[:, column])
        if row == column:
            _draw_histograms(axes, [each[:, row] for each in parts], limits[:, row])
            continue
        above = int(row < column)
        axes.scatter(parts[above][:, column], parts[above][:, row], s=6, linewidths=0, alpha=0.5, color=PALETTE[above])
        axes.set_ylim(*limits[:, row])
    handles = [
        Line2D([], [], color=color, marker="o", linestyle="", label=f"{name} ({place} the diagonal)")
        for color, name, place in zip(PALETTE, _NAMES, ("below", "above"), strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9, labelcolor=INK)
    figure.suptitle(title or "Pairs of columns", fontsize=12, color=INK)
    return figure


def _draw_histograms(axes: Axes, parts, limits):
    edges = np.linspace(*limits, 25)
    for color, values in zip(PALETTE, parts, strict=False):
        axes.stairs(np.histogram(values, edges)[0] / len(values), edges, color=color, linewidth=1.2)
    axes.set_yticks([])


def _checked(real, generated):
    real, generated = check_array(real, "real"), check_array(generated, "generated")
    if real.shape[1:] != generated.shape[1:]:
        wanted, given = list(real.shape[1:]), list(generated.shape[1:])
        raise ValueError(f"`generated` must have examples of shape {wanted}. Received: {given}")
    return real, generated


def _columns(columns, dim):
    return [str(name) for name in columns] if len(columns) else [str(number) for number in range(dim)]
