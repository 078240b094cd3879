import math
from statistics import NormalDist
from typing import Any

import keras
import numpy as np

from keras_ae.explore.decoding import decode_grid, first_value
from keras_ae.validation.arguments import MAX_ROWS, check_size


def manifold(model: keras.Model, condition: Any = None, *, steps: int = 15) -> np.ndarray:
    """Decodes a two-dimensional latent space on a grid.

    The grid points are quantiles of the standard normal distribution, so every image represents the same prior
    probability.

    Args:
        model: an `Autoencoder` with `latent_dim=2`.
        condition: one value, for a conditional model.
        steps: number of images along each side.

    Returns:
        float32 array [steps, steps, *event]: the first dimension increases from left to right, the second from bottom
        to top.

    Raises:
        ValueError: if the latent dimension is not 2.

    Example:
        >>> import keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> manifold(model, steps=4).shape
        (4, 4, 8, 8, 1)

    References:
        Kingma and Welling 2014, arXiv:1312.6114, appendix A.
    """
    if model.latent_dim != 2:
        raise ValueError(f"`model` must have latent_dim=2. Received: latent_dim={model.latent_dim}")
    steps = check_size("steps", steps, low=2, high=math.isqrt(MAX_ROWS))
    places = np.array([NormalDist().inv_cdf((i + 0.5) / steps) for i in range(steps)], np.float32)
    first, second = np.meshgrid(places, places[::-1])
    return decode_grid(model, np.stack([first, second], axis=-1), first_value(condition))
