from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid
from keras_ae.explore.decoding import decode_grid, first_value
from keras_ae.validation.arguments import check_size
from keras_ae.validation.arrays import as_array


def traversal(
    model: keras.Model,
    x: Any = None,
    condition: Any = None,
    *,
    dims: Sequence[int] | None = None,
    steps: int = 9,
    limits: tuple[float, float] = (-2.5, 2.5),
) -> np.ndarray:
    """Varies one latent dimension at a time, with the others fixed, and decodes the codes.

    Args:
        model: an `Autoencoder`.
        x: one example [*event], whose code is the starting point; `None` starts from the code 0.
        condition: its condition, one value, for a conditional model.
        dims: the dimensions to vary; `None` for all.
        steps: number of points along each dimension.
        limits: first and last value; standard deviations for a standard normal prior.

    Returns:
        float32 array [len(dims), steps, *event].

    Raises:
        ValueError: for an unknown dimension, fewer than two steps or limits that are not finite.

    Example:
        >>> import keras_ae as kae, numpy as np
        >>> model = kae.models.VAE(latent_dim=3)
        >>> model.build((None, 8, 8, 1))
        >>> traversal(model, dims=[0, 2], steps=5).shape
        (2, 5, 8, 8, 1)
    """
    dims = np.arange(model.latent_dim) if dims is None else np.asarray(dims)
    if (
        dims.ndim != 1
        or dims.dtype.kind not in "iu"
        or not len(dims)
        or not np.isin(dims, range(model.latent_dim)).all()
    ):
        raise ValueError(f"`dims` must hold numbers in [0, {model.latent_dim}). Received: {dims.tolist()}")
    steps = check_size("steps", steps, low=2)
    if not np.isfinite(limits).all():
        raise ValueError(f"`limits` must be finite. Received: limits={limits}")
    condition = first_value(condition)
    start = np.zeros(model.latent_dim) if x is None else model.encode(as_array(x, "x")[np.newaxis], condition)[0]
    codes = np.tile(np.asarray(start, np.float32), [len(dims), steps, 1])  # [dims, steps, D]
    for row, dim in enumerate(dims):
        codes[row, :, dim] = np.linspace(*limits, steps)
    return decode_grid(model, codes, condition)


def traversal_figure(
    model: keras.Model,
    x: Any = None,
    condition: Any = None,
    *,
    kl: np.ndarray | None = None,
    num: int = 10,
    steps: int = 9,
    limits: tuple[float, float] = (-2.5, 2.5),
    title: str | None = None,
) -> Figure:
    """Plots `traversal`, one row per latent dimension, those with the largest KL first.

    Args:
        model: an `Autoencoder`.
        x: one example [*event], as in `traversal`.
        condition: its condition.
        kl: KL of each dimension [D] in nats, such as the mean of `keras_ae.evaluate.kl_of_dimensions`; `None` keeps
            the order of the dimensions.
        num: largest number of dimensions.
        steps: number of points along each dimension.
        limits: first and last value.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if `kl` has another number of dimensions.
    """
    order = np.arange(model.latent_dim)
    if kl is not None:
        if np.shape(kl) != order.shape:
            raise ValueError(f"`kl` must have {len(order)} numbers. Received: shape {list(np.shape(kl))}")
        order = np.argsort(-np.asarray(kl), kind="stable")
    dims = order[:num]
    values = "" if kl is None else ", ordered by KL"
    return example_grid(
        traversal(model, x, condition, dims=dims, steps=steps, limits=limits),
        title=title or f"{type(model).__name__}: one latent dimension at a time{values}",
        row_labels=[f"z[{dim}]" + ("" if kl is None else f", {kl[dim]:.2f} nats") for dim in dims],
        column_labels=[f"{value:.2g}" for value in np.linspace(*limits, steps)],
        column_title="value of the dimension",
    )
