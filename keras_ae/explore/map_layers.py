"""Layers over a map of codes: density, margins, thumbnails."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from keras_ae.drawing.style import INK, PALE, PALETTE, plain
from keras_ae.validation.arguments import check_array, check_size

_SHARES = (0.9, 0.5, 0.1)  # of the points, inside of each contour
_MOST = 2000  # points from which a density is estimated


def density(points: np.ndarray, steps: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates the density of points on a grid, with a Gaussian kernel of Scott's width.

    Args:
        points: array [N, 2], N >= 3, not all on one line; at most 2,000, at equal steps, are used.
        steps: points of the grid along each axis.

    Returns:
        (x, y, p): the places along both axes [steps], and the density [steps, steps], rows by y.

    Raises:
        ValueError: for other shapes, and for points on one line.

    Example:
        >>> x, y, p = density(np.random.default_rng(0).normal(size=[500, 2]), steps=50)
        >>> bool(abs(p.sum() * (x[1] - x[0]) * (y[1] - y[0]) - 1.0) < 0.05)
        True
    """
    from scipy.stats import gaussian_kde  # slow to import

    points = check_array(points, "points", event_shape=(2,)).astype(np.float64)
    steps = check_size("steps", steps, low=2)
    used = points[np.linspace(0, len(points) - 1, min(len(points), _MOST)).astype(int)]
    if len(used) < 3 or np.linalg.matrix_rank(used - used.mean(axis=0)) < 2:
        raise ValueError("`points` must be at least 3, not all on one line.")
    low, high = used.min(axis=0), used.max(axis=0)
    room = 0.25 * (high - low)
    x, y = (np.linspace(a, b, steps) for a, b in zip(low - room, high + room, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return x, y, gaussian_kde(used.T)(grid.T).reshape(steps, steps)


def contour_levels(points: np.ndarray, x: np.ndarray, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Returns the densities above which 90, 50 and 10% of the points lie.

    The shares are of the points, not of the mass of the estimate, which its kernel spreads out.
    """
    from scipy.interpolate import RegularGridInterpolator  # slow to import

    at_points = RegularGridInterpolator((y, x), p, bounds_error=False, fill_value=0.0)(points[:, ::-1])
    levels = np.quantile(at_points, 1.0 - np.array(_SHARES))
    for i in range(1, len(levels)):  # equal where many points are equal
        levels[i] = max(levels[i], np.nextafter(levels[i - 1], np.inf))
    return levels


def contour_lines(points: np.ndarray) -> dict[float, list[np.ndarray]]:
    """Returns {share of the points inside: lines, arrays [M, 2]}; empty for points without a density.

    They are the contours of `latent_map`.
    """
    try:
        x, y, p = density(points)
    except ValueError:  # fewer than 3 points, or all on one line
        return {}
    found = Figure().add_subplot().contour(x, y, p, levels=contour_levels(points, x, y, p))
    return {share: [line for line in lines if len(line)] for share, lines in zip(_SHARES, found.allsegs, strict=True)}


def spread_out(points: np.ndarray, size: tuple[float, float], num: int = 200) -> np.ndarray:
    """Chooses points for thumbnails that do not overlap.

    Goes through the points in order and keeps each whose rectangle, around the point, overlaps none that is kept.

    Args:
        points: array [N, 2].
        size: width and height of a thumbnail, in units of the points.
        num: largest number of thumbnails.

    Returns:
        Rows of the chosen points, int64 [M].

    Example:
        >>> spread_out(np.array([[0.0, 0.0], [0.5, 0.0], [1.5, 0.0]]), (1.0, 1.0)).tolist()
        [0, 2]
    """
    points = check_array(points, "points", event_shape=(2,)).astype(np.float64)
    chosen = []
    for row, point in enumerate(points):
        apart = np.abs(points[chosen] - point) >= size
        if apart.any(axis=1).all():
            chosen.append(row)
            if len(chosen) == num:
                break
    return np.array(chosen, np.int64)


def draw_density(axes: Axes, points: np.ndarray) -> None:
    """Draws contours with 90, 50 and 10% of the points inside."""
    x, y, p = density(points)
    levels = contour_levels(points, x, y, p)
    drawn = axes.contour(x, y, p, levels=levels, colors=INK, linewidths=[0.7, 1.1, 1.5])
    names = {level: f"{share:.0%}" for level, share in zip(levels, _SHARES, strict=True)}
    axes.clabel(drawn, fmt=names, fontsize=7)


def draw_margins(figure: Figure, axes: Axes, points: np.ndarray) -> None:
    """Draws histograms of both coordinates at the edges, against the density of the standard normal."""
    top = axes.inset_axes([0.0, 1.02, 1.0, 0.16], sharex=axes)
    right = axes.inset_axes([1.02, 0.0, 0.16, 1.0], sharey=axes)
    for place, values, orientation in ((top, points[:, 0], "vertical"), (right, points[:, 1], "horizontal")):
        place.hist(values, bins=50, density=True, color=PALETTE[0], alpha=0.55, orientation=orientation)
        t = np.linspace(min(-3.5, values.min()), max(3.5, values.max()), 300)
        normal = np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi)
        line = (t, normal) if orientation == "vertical" else (normal, t)
        place.plot(*line, color=PALETTE[1], linewidth=1.4, label="standard normal")
        plain(place, grid=False)
        place.tick_params(labelbottom=False, labelleft=False, length=0)
        place.spines[["left"] if orientation == "vertical" else ["bottom"]].set_visible(False)
        place.set_yticks([]) if orientation == "vertical" else place.set_xticks([])
    top.legend(loc="upper left", frameon=False, fontsize=8, labelcolor=INK)


def draw_thumbnails(figure: Figure, axes: Axes, points: np.ndarray, images: np.ndarray, inches: float = 0.3) -> None:
    """Draws images [N, H, W, C] in [0, 1] at points, as many as fit without overlap."""
    figure.draw_without_rendering()  # places the axes
    box = axes.get_window_extent()
    pixels = inches * figure.dpi
    span = np.array([np.ptp(axes.get_xlim()) / box.width, np.ptp(axes.get_ylim()) / box.height])
    height, width = images.shape[1:3]
    shape = np.array([width, height]) / max(width, height)
    for row in spread_out(points, tuple(1.1 * pixels * shape * span)):
        picture = np.clip(images[row], 0.0, 1.0)
        picture = picture[..., 0] if picture.shape[-1] == 1 else picture
        zoom = pixels / max(width, height) / (figure.dpi / 72.0)
        image = OffsetImage(picture, zoom=zoom, cmap="gray", norm="linear", interpolation="nearest")
        image.image.set_clim(0.0, 1.0)
        style = {"edgecolor": PALE, "linewidth": 0.4}
        box = AnnotationBbox(image, points[row], pad=0.0, bboxprops=style)
        box.set_in_layout(False)  # the axes stay where they are
        axes.add_artist(box)
