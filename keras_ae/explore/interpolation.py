from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid
from keras_ae.explore.decoding import decode_grid
from keras_ae.explore.geodesic import geodesic, path_lengths
from keras_ae.validation.arguments import check_choice, check_size

METHODS = ("linear", "spherical", "geodesic")


def interpolation(
    model: keras.Model, start: Any, end: Any, condition: Any = None, *, steps: int = 9, method: str = "linear"
) -> np.ndarray:
    """Interpolates between pairs of examples in latent space, and decodes the path.

    Args:
        model: an `Autoencoder`.
        start: examples [N, *event].
        end: as many other examples.
        condition: one value per pair, for a conditional model.
        steps: number of points along the path, including both ends.
        method: `"linear"` for the straight line, `"spherical"` for the great circle, which keeps the typical norm of
            high-dimensional codes under a normal prior, `"geodesic"` for the path along which the decoded examples
            change least.

    Returns:
        float32 array [N, steps, *event].

    Raises:
        ValueError: for an unknown method, fewer than two steps, or unequal numbers of examples.

    Example:
        >>> import keras_ae as kae, numpy as np
        >>> model = kae.models.AE(latent_dim=3)
        >>> model.build((None, 8, 8, 1))
        >>> interpolation(model, np.zeros([2, 8, 8, 1]), np.ones([2, 8, 8, 1]), steps=5).shape
        (2, 5, 8, 8, 1)

    References:
        White 2016, "Sampling generative networks", arXiv:1609.04468, section 2.1, for spherical interpolation.
    """
    check_choice("method", method, METHODS)
    steps = check_size("steps", steps, low=2)
    first, last = (np.asarray(model.encode(x, condition), np.float64)[:, np.newaxis] for x in (start, end))
    if len(first) != len(last):
        raise ValueError(
            f"`start` and `end` must have equal numbers of examples. Received: {len(first)} and {len(last)}"
        )
    t = np.linspace(0.0, 1.0, steps)[:, np.newaxis]  # [steps, 1]
    if method == "geodesic":
        codes = geodesic(model, first[:, 0], last[:, 0], condition, steps=steps)
    else:
        codes = first + t * (last - first) if method == "linear" else slerp(first, last, t)
    return decode_grid(model, codes.astype(np.float32), condition)


def interpolation_figure(
    model: keras.Model,
    start: Any,
    end: Any,
    condition: Any = None,
    *,
    steps: int = 9,
    methods: Sequence[str] = METHODS,
    title: str | None = None,
) -> Figure:
    """Plots the paths between pairs of examples, one row for each pair and method.

    Args:
        model: an `Autoencoder`.
        start: examples [N, *event].
        end: as many other examples.
        condition: one value per pair, for a conditional model.
        steps: number of points along the path.
        methods: as in `interpolation`.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. The label of a row has the length of its path, sum_t |x_t - x_{t+1}|, in units of
        the data.
    """
    paths = [interpolation(model, start, end, condition, steps=steps, method=method) for method in methods]
    rows = np.stack(paths, axis=1)  # [N, methods, steps, *event]
    lengths = path_lengths(rows.reshape(-1, *rows.shape[2:]))
    names = [method for _ in range(len(rows)) for method in methods]
    return example_grid(
        rows.reshape(-1, *rows.shape[2:]),
        title=title or f"{type(model).__name__}: from one example to another",
        row_labels=[f"{name}, length {length:.3g}" for name, length in zip(names, lengths, strict=True)],
        column_labels=[f"{t:.2g}" for t in np.linspace(0.0, 1.0, steps)],
        column_title="fraction of the path",
    )


def slerp(first: np.ndarray, last: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Returns (sin((1 - t) w) a + sin(t w) b) / sin(w), with the angle w between a and b; linear if parallel."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(last, axis=-1)
    cosine = np.sum(first * last, axis=-1) / np.maximum(lengths, 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))[..., np.newaxis]
    sine = np.sin(angle)
    parallel = (sine < 1e-6) | (lengths[..., np.newaxis] < 1e-12)
    sine = np.where(parallel, 1.0, sine)
    round_way = (np.sin((1 - t) * angle) * first + np.sin(t * angle) * last) / sine
    return np.where(parallel, first + t * (last - first), round_way)
