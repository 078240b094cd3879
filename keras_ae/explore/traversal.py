from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

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
