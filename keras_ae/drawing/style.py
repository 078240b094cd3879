"""One look for all figures: colors that read in gray and for color-blind people, a light and a dark theme."""

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from keras_ae.validation.arguments import check_choice

PAPER, INK, PALE, GRID, FRAME = "#ffffff", "#222222", "#888888", "#eeeeee", "#f4f4f4"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7f6fc9", "#8c8c8c")  # for a few curves
# For many classes: M. A. Petroff 2021, arXiv:2107.02270, who optimized ten colors for color-blind readers.
CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
SEQUENTIAL = "viridis"  # its lightness grows evenly, so it reads in gray
SURPRISE = "magma"  # from dark for usual values to bright for unusual ones
THEMES = {
    "light": {"paper": PAPER, "ink": INK, "pale": PALE, "grid": GRID, "frame": FRAME},
    "dark": {"paper": "#1b1e23", "ink": "#e8e9eb", "pale": "#a0a4aa", "grid": "#343941", "frame": "#272b32"},
}
_PARTS = ("color", "facecolor", "edgecolor")


def new_figure(width: float, height: float) -> Figure:
    """Returns an empty figure of a size in inches, whose layout makes room for labels."""
    figure = Figure(figsize=(width, height), facecolor=PAPER, dpi=150, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    return figure


def plain(axes: Axes, x_label: str = "", y_label: str = "", title: str = "", *, grid: bool = True) -> Axes:
    """Labels axes, hides the upper and the right spine, and returns the axes."""
    axes.set_xlabel(x_label, fontsize=10, color=INK)
    axes.set_ylabel(y_label, fontsize=10, color=INK)
    axes.set_title(title, fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=INK)
    if grid:
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
    return axes


def themed(figure: Figure, theme: str = "dark") -> Figure:
    """Gives the background, text, axes and grid of a figure the colors of a theme; the colors of data stay.

    Args:
        figure: a figure of this package. It is changed.
        theme: `"light"` or `"dark"`.

    Returns:
        The figure.

    Raises:
        ValueError: for another theme.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> figure = kae.explore.themed(kae.explore.image_grid(np.zeros([4, 8, 8, 1])), "dark")
        >>> max(figure.get_facecolor()[:3]) < 0.2
        True
    """
    new = THEMES[check_choice("theme", theme, tuple(THEMES))]
    swaps = {to_rgba(old[role])[:3]: to_rgba(new[role])[:3] for old in THEMES.values() for role in new}
    swaps |= {to_rgba("black")[:3]: to_rgba(new["ink"])[:3]}  # of matplotlib's texts, ticks and spines
    for axes in figure.axes:
        axes.tick_params(color=new["ink"], labelcolor=new["ink"])  # also for ticks that are made when it is drawn
    for artist in figure.findobj():
        if artist.get_path_effects():  # the halo of a text
            artist.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=new["paper"])])
        for part in _PARTS:
            get, put = getattr(artist, f"get_{part}", None), getattr(artist, f"set_{part}", None)
            if get is None or put is None or (part == "color" and hasattr(artist, "get_facecolor")):
                continue
            _swap(get(), put, swaps)
    return figure


def _swap(color, put, swaps):
    """Replaces a color, or each of the colors of a collection, by its new color."""
    if isinstance(color, str) and color in ("none", "face", "auto"):
        return
    colors = np.atleast_2d(to_rgba(color) if isinstance(color, str) else np.asarray(color, float))
    if colors.size == 0 or colors.shape[-1] not in (3, 4):
        return
    swapped = np.array([[*swaps.get(tuple(row[:3]), row[:3]), *row[3:]] for row in colors])
    if not np.array_equal(swapped, colors) and (colors.shape[-1] == 3 or colors[:, 3].any()):
        put(swapped if np.ndim(color) == 2 else tuple(swapped[0]))
