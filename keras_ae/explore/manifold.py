import math
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid
from keras_ae.explore.code_support import FAR, code_support
from keras_ae.explore.decoding import decode_grid, first_value
from keras_ae.validation.arguments import MAX_ROWS, check_size


def manifold(
    model: keras.Model, condition: Any = None, *, steps: int = 15, dims: tuple[int, int] | None = None
) -> np.ndarray:
    """Decodes a plane of the latent space on a grid.

    The grid points are quantiles of the standard normal distribution, so every image represents the same prior
    probability.

    Args:
        model: an `Autoencoder` with `latent_dim=2`, or of more dimensions with `dims`.
        condition: one value, for a conditional model.
        steps: number of images along each side.
        dims: the two latent dimensions of the plane; the others are 0. `None` needs `latent_dim=2`.

    Returns:
        float32 array [steps, steps, *event]: the first dimension increases from left to right, the second from bottom
        to top.

    Raises:
        ValueError: if the latent dimension is not 2 and `dims` is `None`, or if `dims` are not two dimensions.

    Example:
        >>> import keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> manifold(model, steps=4).shape
        (4, 4, 8, 8, 1)

    References:
        Kingma and Welling 2014, arXiv:1312.6114, appendix A.
    """
    return decode_grid(model, plane_codes(model, steps, dims), first_value(condition))


def plane_codes(model: keras.Model, steps: int, dims: tuple[int, int] | None = None) -> np.ndarray:
    """Returns the codes that `manifold` decodes, float32 [steps, steps, D]."""
    if dims is None:
        if model.latent_dim != 2:
            raise ValueError(
                f"`model` must have latent_dim=2, or `dims` must be given. Received: latent_dim={model.latent_dim}"
            )
        dims = (0, 1)
    if len(set(dims)) != 2 or not set(dims) <= set(range(model.latent_dim)):
        raise ValueError(f"`dims` must be two numbers in [0, {model.latent_dim}). Received: {list(dims)}")
    steps = check_size("steps", steps, low=2, high=math.isqrt(MAX_ROWS))
    places = np.array([NormalDist().inv_cdf((i + 0.5) / steps) for i in range(steps)], np.float32)
    codes = np.zeros([steps, steps, model.latent_dim], np.float32)
    codes[..., dims[0]], codes[..., dims[1]] = np.meshgrid(places, places[::-1])
    return codes


def is_far(plane: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Returns where no training code [N, D] is near the codes of a plane [steps, steps, D]: bool [steps, steps]."""
    _, support = code_support(plane.reshape(-1, plane.shape[-1]), codes)
    return (support < FAR).reshape(plane.shape[:2])


def manifold_figure(
    model: keras.Model,
    condition: Any = None,
    *,
    codes: np.ndarray | None = None,
    steps: int = 15,
    dims: tuple[int, int] | None = None,
    title: str | None = None,
) -> Figure:
    """Plots `manifold`, with a shade where no training code is near.

    Args:
        model: an `Autoencoder`.
        condition: one value, for a conditional model.
        codes: codes of training examples [N, D]: images whose `code_support` is below 0.01 are shaded. `None` shades
            nothing.
        steps: number of images along each side.
        dims: the two latent dimensions of the plane.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    x, plane = manifold(model, condition, steps=steps, dims=dims), plane_codes(model, steps, dims)
    shaded = None if codes is None else is_far(plane, codes)
    first, second = dims or (0, 1)
    places = [f"{value:.1f}" for value in plane[0, :, first]]
    shade = "; hatched: no training code near here" if shaded is not None and shaded.any() else ""
    return example_grid(
        x,
        title=title or f"{type(model).__name__}: the latent plane, decoded at normal quantiles{shade}",
        row_labels=places[::-1],
        row_title=f"code {second + 1}",
        column_labels=places,
        column_title=f"code {first + 1}",
        shaded=shaded,
    )
