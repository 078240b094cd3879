"""Pen paths of glyphs: points along the strokes, and their displacement by the style.

All glyphs have the same number of points, `NUM_POINTS`, spread evenly over their strokes, so a batch of any digits is
one array. The style enters in two ways: displacements of the points, linear in the style, computed once for each glyph
(`bases`), and warps of the plane, the same for all glyphs (`bend`).
"""

import functools
from typing import NamedTuple

import numpy as np

from keras_ae.datasets.strokes.glyphs import GLYPHS

NUM_POINTS = 44
STYLE = ("width", "roundness", "openness", "balance", "bow", "entry", "exit", "tremor")

_DENSE = 24  # points per control interval, before they are spread evenly


class PenPaths(NamedTuple):
    """The pen paths of all glyphs.

    Attributes:
        first: int array [10], index of each digit's first glyph; its variants follow.
        points: [G, P, 2], x to the right and y down, one unit tall, centered.
        bases: [G, 5, P, 2], displacement for one unit of roundness, openness, entry, exit and tremor.
        joined: bool [G, P - 1], whether the pen is down between a point and the next.
        progress: [G, P], position along the stroke from 0 to 1.
    """

    first: np.ndarray
    points: np.ndarray
    bases: np.ndarray
    joined: np.ndarray
    progress: np.ndarray


@functools.cache
def pen_paths() -> PenPaths:
    """Returns the `PenPaths`, computed on first use."""
    glyphs = [_glyph(strokes) for digit in range(10) for strokes in GLYPHS[digit]]
    counts = [len(GLYPHS[digit]) for digit in range(10)]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return PenPaths(first, *(np.stack(part) for part in zip(*glyphs, strict=True)))


def bend(points: tuple[np.ndarray, np.ndarray], style: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bends points by a style.

    Args:
        points: pair (x, y) of arrays [N, P] as in `PenPaths.points`.
        style: array [N, 8], limited to a few units.

    Returns:
        The pair (x, y), bent.
    """
    x, y = points
    width, _, _, balance, bow, *_ = (style[:, k, np.newaxis] for k in range(len(STYLE)))
    x = x * np.exp(0.2 * width) * (1.0 + 0.36 * balance * y)
    x = x + 0.16 * bow * (y * y - 1.0 / 12.0)
    y = y + 0.22 * balance * (0.25 - y * y)
    return x, y


def _glyph(strokes):
    """Returns points, bases, joined and progress of one glyph."""
    dense = [_curve(np.array([(*p, 0.0, 0.0)[:4] for p in stroke])) for stroke in strokes]
    lengths = [np.hypot(*np.diff(c[:, :2], axis=0).T).sum() for c in dense]
    counts = _share(lengths)
    rows = np.concatenate([_spread(c, n) for c, n in zip(dense, counts, strict=True)])
    low, high = rows[:, :2].min(0), rows[:, :2].max(0)
    points = (rows[:, :2] - (low + high) / 2.0) / (high[1] - low[1])
    progress = np.concatenate([np.linspace(0.0, 1.0, n) for n in counts])
    joined = np.ones(NUM_POINTS - 1, bool)
    joined[np.cumsum(counts)[:-1] - 1] = False
    pieces = np.split(points, np.cumsum(counts)[:-1])
    shapes = [_stroke_bases(piece, first=i == 0) for i, piece in enumerate(pieces)]
    roundness, entry, leave, tremor = (np.concatenate(parts) for parts in zip(*shapes, strict=True))
    return points, np.stack([roundness, 1.3 * rows[:, 2:], entry, leave, tremor]), joined, progress


def _curve(controls):
    """Returns a centripetal Catmull-Rom curve through points [K, D], which has no cusps (Yuksel 2011)."""
    padded = np.concatenate([2 * controls[:1] - controls[1:2], controls, 2 * controls[-1:] - controls[-2:-1]])
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        if np.array_equal(p1[:2], p2[:2]):
            continue  # a corner has no length
        gaps = [np.hypot(*(b - a)[:2]) ** 0.5 for a, b in ((p0, p1), (p1, p2), (p2, p3))]
        m1 = gaps[1] * _slope(p0, p1, p2, gaps[0], gaps[1])
        m2 = gaps[1] * _slope(p1, p2, p3, gaps[1], gaps[2])
        t = np.linspace(0.0, 1.0, _DENSE, endpoint=False)[:, np.newaxis]
        rise = 3 * t**2 - 2 * t**3
        pieces.append((1 - rise) * p1 + rise * p2 + (t**3 - 2 * t**2 + t) * m1 + (t**3 - t**2) * m2)
    return np.concatenate([*pieces, controls[-1:]])


def _slope(a, b, c, before, after):
    """Returns the slope at b of a curve through a, b, c; at a corner (b is a or c), the slope of the chord."""
    if before == 0.0 or after == 0.0:
        return (c - a) / (before + after)
    return (b - a) / before - (c - a) / (before + after) + (c - b) / after


def _share(lengths):
    """Distributes `NUM_POINTS` over strokes by their length."""
    counts = np.maximum(3, np.floor(np.array(lengths) / sum(lengths) * NUM_POINTS).astype(int))
    counts[np.argmax(lengths)] += NUM_POINTS - counts.sum()
    return counts


def _spread(curve, count):
    """Returns `count` evenly spaced rows along a curve [M, D], whose first two columns are coordinates."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve[:, :2], axis=0).T))])
    places = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(places, along, column) for column in curve.T], axis=1)


def _stroke_bases(points, first):
    """Returns the displacement of the points [P, 2] of one stroke by roundness, entry, exit and tremor."""
    count = len(points)
    u = np.linspace(0.0, 1.0, count)[:, np.newaxis]
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, np.newaxis]
    normal = tangent[:, ::-1] * [-1.0, 1.0]
    smooth = points
    for _ in range(6):
        smooth = np.concatenate([smooth[:1], (smooth[:-2] + 2 * smooth[1:-1] + smooth[2:]) / 4, smooth[-1:]])
    entry = 0.11 * float(first) * (1.0 - u) ** 4 * normal
    leave = 0.12 * u**4 * normal
    along = np.hypot(*np.diff(points, axis=0).T).sum() * u
    tremor = 0.02 * np.sin(2 * np.pi * 1.25 * along + 0.6) * normal
    return 0.8 * (smooth - points), entry, leave, tremor
