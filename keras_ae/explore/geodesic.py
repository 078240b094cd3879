"""Shortest paths between codes, as the decoder sees them."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.input_checks import context_tensor
from keras_ae.validation.arguments import check_size


def geodesic(
    model: keras.Model,
    start: np.ndarray,
    end: np.ndarray,
    condition: Any = None,
    *,
    steps: int = 9,
    iterations: int = 60,
) -> np.ndarray:
    """Finds paths between codes along which the decoded examples change least.

        minimize sum_t |f(z_t) - f(z_{t+1})|^2 over z_1, ..., z_{T-2},    f(z) = the mean of p(x|z)

    At the minimum, the path is the shortest on the surface of decoded examples, in steps of equal length. The straight
    line between the codes is the start of the search, by L-BFGS.

    Args:
        model: an `Autoencoder` with real codes.
        start: codes [N, D].
        end: as many other codes.
        condition: one value per pair, for a conditional model.
        steps: number of points on the path, T, including both ends.
        iterations: largest number of steps of L-BFGS.

    Returns:
        Codes, float32 array [N, T, D].

    Raises:
        ValueError: for a decoder without a gradient.

    Example:
        >>> import keras_ae as kae, numpy as np
        >>> model = kae.models.AE(latent_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> geodesic(model, np.zeros([3, 2]), np.ones([3, 2]), steps=5).shape
        (3, 5, 2)

    References:
        Arvanitidis, Hansen and Hauberg 2018, "Latent space oddity", arXiv:1710.11379; Shao, Kumar and Fletcher 2018,
        arXiv:1711.08014, section 3.2, for the energy of a discrete path.
    """
    from scipy.optimize import minimize  # slow to import

    steps, iterations = check_size("steps", steps, low=2), check_size("iterations", iterations)
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    t = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, np.newaxis]  # [T, 1]
    path = start[:, np.newaxis] + t * (end - start)[:, np.newaxis]  # [N, T, D]
    num, _, dim = path.shape
    context = context_tensor(model, condition, num)
    context = None if context is None else tf.repeat(context, steps, axis=0)

    @tf.function(autograph=False)
    def energy(inner):
        with tf.GradientTape() as tape:
            tape.watch(inner)
            z = tf.reshape(tf.concat([path[:, :1], inner, path[:, -1:]], axis=1), [num * steps, dim])
            x = model.likelihood_layer.mean(model.likelihood_params(z, context))
            x = tf.reshape(x, [num, steps, -1])
            total = tf.reduce_sum((x[:, 1:] - x[:, :-1]) ** 2)
        return total, tape.gradient(total, inner)

    def value_and_slope(flat):
        total, slope = energy(tf.constant(flat.reshape(num, steps - 2, dim), tf.float32))
        if slope is None:
            raise ValueError(f"`model` must have a decoder with a gradient. Received: {type(model).__name__}")
        return float(total), slope.numpy().ravel().astype(np.float64)

    if steps > 2:
        options = {"maxiter": iterations, "maxfun": 2 * iterations}
        found = minimize(value_and_slope, path[:, 1:-1].ravel(), jac=True, method="L-BFGS-B", options=options)
        path[:, 1:-1] = found.x.reshape(num, steps - 2, dim)
    return path


def path_lengths(x: np.ndarray) -> np.ndarray:
    """Returns the lengths of paths of examples [N, T, *event]: sum_t |x_t - x_{t+1}|, float64 [N]."""
    x = np.asarray(x, np.float64).reshape(*np.shape(x)[:2], -1)
    return np.linalg.norm(np.diff(x, axis=1), axis=-1).sum(axis=1)
