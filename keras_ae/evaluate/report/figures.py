"""Pictures of the details of measurements: one function per kind of detail, from JSON values to a figure.

A metric gives a detail under one of the names in `FIGURES`, such as `details={"curve": {...}}`. The SVG of a figure has
no background, and its text and axes have the color of the text around it, so that it suits a light and a dark page.
"""

import io
import re
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ae.drawing.image_grid import tile
from keras_ae.drawing.style import CLASSES, PALETTE, SEQUENTIAL, SURPRISE

_INK = "#010203"  # becomes the color of the text
_WIDTH = 4.6  # inches
_STYLE = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "font.size": 9,
    "legend.frameon": False,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def curve(axes: Axes, detail: Mapping[str, Any]) -> str:
    """One curve, or several by label: {"x": [N], "y": [N] or {label: [N]}, "x_label", "y_label"}."""
    curves = detail["y"] if isinstance(detail["y"], Mapping) else {"": detail["y"]}
    x = _numbers(detail["x"])
    for color, (label, y) in zip(_colors(len(curves)), curves.items(), strict=True):
        axes.plot(x, _numbers(y), color=color, label=str(label), marker="o" if len(x) <= 30 else "", markersize=3.5)
    if len(x) > 2 and x.min() > 0 and x.max() / x.min() >= 100:
        axes.set_xscale("log")
    _label(axes, detail, legend=len(curves) > 1)
    return f"curve of {detail.get('y_label', 'values')} against {detail.get('x_label', 'x')}"


def band(axes: Axes, detail: Mapping[str, Any]) -> str:
    """A curve over its usual range: {"y", "low", "high", "expected", "surprise": [N] each, "x_label", "y_label"}.

    The last two arrays may be absent. The surprise, from 0 to 1, is a strip below the curve.
    """
    y, low, high = (_numbers(detail[name]) for name in ("y", "low", "high"))
    x = np.arange(len(y))
    axes.fill_between(x, low, high, color=PALETTE[7], alpha=0.35, linewidth=0)
    if "expected" in detail:
        axes.plot(x, _numbers(detail["expected"]), color=PALETTE[1], linewidth=1.2, linestyle="--")
    axes.plot(x, y, color=PALETTE[0], linewidth=1.6)
    bottom, top = min(y.min(), low.min()), max(y.max(), high.max())
    room = 0.08 * ((top - bottom) or 1.0)
    axes.set_ylim(bottom - 3 * room, top + room)
    axes.set_xlim(-0.5, len(y) - 0.5)
    if "surprise" in detail:
        place = (-0.5, len(y) - 0.5, bottom - 2.6 * room, bottom - 1.4 * room)
        strip = {"extent": place, "cmap": SURPRISE, "vmin": 0, "vmax": 1, "interpolation": "nearest", "aspect": "auto"}
        axes.imshow(_numbers(detail["surprise"])[np.newaxis], **strip)
    _label(axes, detail)
    return f"curve of {detail.get('y_label', 'values')} over the range that is usual"


def bars(axes: Axes, detail: Mapping[str, Any]) -> str:
    """One bar per label: {"values": {label: number}, "x_label", "y_label"}."""
    labels, values = [str(label) for label in detail["values"]], _numbers(list(detail["values"].values()))
    axes.bar(range(len(values)), values, color=PALETTE[0], width=0.8)
    step = -(-len(labels) // 24)
    long = max(map(len, labels), default=0) > 4
    ticks = {"rotation": 45, "ha": "right"} if long else {}
    axes.set_xticks(range(0, len(labels), step), labels[::step], **ticks)
    _label(axes, detail)
    return f"bars of {detail.get('y_label', 'values')} by {detail.get('x_label', 'label')}"


def histogram(axes: Axes, detail: Mapping[str, Any]) -> str:
    """Counts between edges, of one or several: {"edges": [N + 1], "counts": [N] or {label: [N]}, "x_label"}.

    Also {"lines": {label: x}}, vertical lines, and "log": true for a logarithmic axis of counts.
    """
    counts = detail["counts"] if isinstance(detail["counts"], Mapping) else {"": detail["counts"]}
    for color, (label, values) in zip(_colors(len(counts)), counts.items(), strict=True):
        axes.stairs(_numbers(values), _numbers(detail["edges"]), color=color, label=str(label), fill=True, alpha=0.45)
    for label, x in detail.get("lines", {}).items():
        axes.axvline(x, color=_INK, linewidth=1.2, linestyle="--", label=str(label))
    if detail.get("log"):
        axes.set_yscale("log")
    _label(axes, {"y_label": "count", **detail}, legend=len(counts) > 1 and not detail.get("lines"))
    if detail.get("lines"):  # which a legend inside would hide
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.0)
    return f"histogram of {detail.get('x_label', 'values')}"


def matrix(axes: Axes, detail: Mapping[str, Any]) -> str:
    """Shades of a table: {"values": [R, C], "rows": [R], "columns": [C], "x_label", "y_label"}."""
    values = np.atleast_2d(_numbers(detail["values"]))
    height, width = values.shape
    shape = min(max(_WIDTH * 0.75 * height / width, 1.2), 1.4 * _WIDTH)
    axes.figure.set_size_inches(_WIDTH, shape + 0.7)
    limits = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0, 1)
    cmap = "RdBu_r" if limits[0] < 0 < limits[1] else "Blues"
    reach = max(abs(limits[0]), abs(limits[1]))
    vmin, vmax = (-reach, reach) if cmap == "RdBu_r" else limits
    drawn = axes.pcolormesh(values, cmap=cmap, vmin=vmin, vmax=vmax, rasterized=values.size > 1500)
    axes.invert_yaxis()
    axes.figure.colorbar(drawn, ax=axes, shrink=0.9)
    if values.size <= 120:
        for (i, j), value in np.ndenumerate(values):
            shade = (abs(value) if cmap == "RdBu_r" else value - vmin) / ((vmax - vmin) or 1)
            color = "white" if shade > (0.3 if cmap == "RdBu_r" else 0.6) else "#222222"
            axes.text(j + 0.5, i + 0.5, f"{value:.2g}", ha="center", va="center", fontsize=7, color=color)
    for name, number, set_ticks in (("columns", width, axes.set_xticks), ("rows", height, axes.set_yticks)):
        names = [str(each) for each in detail.get(name, range(number))]
        step = -(-number // 20)
        turned = {"rotation": 45, "ha": "right"} if name == "columns" and max(map(len, names)) > 3 else {}
        set_ticks(np.arange(0, number, step) + 0.5, names[::step], **turned)
    _label(axes, detail)
    return f"table of {height} by {width} values"


def points(axes: Axes, detail: Mapping[str, Any]) -> str:
    """A map: {"x": [N, 2], "labels": [N] or absent, "x_label", "y_label"}."""
    x = _numbers(detail["x"])
    labels = np.asarray(detail.get("labels", np.zeros(len(x))))
    classes = np.unique(labels)
    style = {"s": float(np.clip(4000 / len(x), 2, 16)), "linewidths": 0, "alpha": 0.8, "rasterized": True}
    if len(classes) > 20:
        axes.scatter(*x.T, c=labels.astype(float), cmap=SEQUENTIAL, **style)
    else:
        colors = CLASSES if len(classes) <= len(CLASSES) else matplotlib.colormaps["tab20"].colors
        for color, value in zip(colors, classes, strict=False):
            axes.scatter(*x[labels == value].T, color=color, label=str(value), **style)
    axes.set_aspect("equal", adjustable="datalim")
    axes.figure.set_size_inches(_WIDTH, 0.85 * _WIDTH)
    _label(axes, detail)
    if 1 < len(classes) <= 20:
        legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.1)
        for handle in legend.legend_handles:
            handle.set_sizes([24])
            handle.set_alpha(1.0)
    return f"map of {len(x)} points" + (f" in {len(classes)} groups" if len(classes) > 1 else "")


def images(axes: Axes, detail: Mapping[str, Any]) -> str:
    """Rows of images: {"rows": {label: [N, H, W, C]}}, values in [0, 1]."""
    rows = {str(label): np.asarray(row, np.float32) for label, row in detail["rows"].items()}
    num = min(map(len, rows.values()))
    picture = tile(np.stack([row[:num] for row in rows.values()]))
    height = picture.shape[0] / len(rows)
    axes.figure.set_size_inches(_WIDTH, max(_WIDTH * 0.85 * picture.shape[0] / picture.shape[1], 0.5))
    axes.imshow(np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([(row + 0.5) * height for row in range(len(rows))], list(rows))
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)
    return f"{num} pictures in each row: {', '.join(rows)}"


FIGURES = {
    "band": band,
    "bars": bars,
    "curve": curve,
    "histogram": histogram,
    "images": images,
    "matrix": matrix,
    "points": points,
}


def draw(kind: str, detail: Mapping[str, Any]) -> tuple[Figure, str]:
    """Returns the figure of a detail, and a description of it for those who cannot see it."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 2.6), layout="constrained", dpi=110)
        axes = figure.add_subplot()
        described = FIGURES[kind](axes, detail)
        axes.set_title(detail.get("title", ""), color=_INK)
    return figure, described


def svg(kind: str, detail: Mapping[str, Any], prefix: str) -> tuple[str, str]:
    """Returns a figure as an SVG element to put into a page, and its description.

    Args:
        kind: a name in `FIGURES`.
        detail: what the measurement has under this name.
        prefix: begins every id in the element, so that several figures can be on one page.
    """
    figure, described = draw(kind, detail)
    content = io.StringIO()
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": prefix}):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = content.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", text)
    return re.sub(r"<svg [^>]*?viewBox", '<svg aria-hidden="true" focusable="false" viewBox', text, count=1), described


def _numbers(values):
    """Numbers as floats; null, which is NaN in JSON, as NaN."""
    return np.array(values, np.float64)


def _colors(number):
    return [PALETTE[i % len(PALETTE)] for i in range(number)]


def _label(axes, detail, legend=False):
    axes.set_xlabel(detail.get("x_label", ""))
    axes.set_ylabel(detail.get("y_label", ""))
    if legend:
        axes.legend()
