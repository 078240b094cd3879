"""How usual the gray levels, edges and curvatures of an image are, wherever they are in it."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_ae.outliers.density import Density, fit_density


class Texture(NamedTuple):
    """-log density of `texture_values` of an image, in nats.

    Values that are positive for all usual images count by their logarithms.

    Args:
        lowest: the lowest usual value of each, float32 [F].
        constants, center, loc, factors: as in `Density`, of the values or their logarithms.
    """

    lowest: np.ndarray
    constants: np.ndarray
    center: np.ndarray
    loc: np.ndarray
    factors: np.ndarray

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Returns -log density [B] of values [B, F]."""
        return Density(*self[1:])(_logarithms(values, self.lowest))


def texture_values(x: tf.Tensor) -> tf.Tensor:
    """Returns numbers that tell what an image [B, H, W, C] is made of, not what it shows: [B, 12].

    They are the first four moments of its values, the mean squares of the differences of neighbors in four directions,
    the mean and the mean fourth power of horizontal and vertical differences, and the mean and the mean square of
    horizontal and vertical second differences.
    """
    height, width, channels = x.shape[1:]
    flat, square = tf.reshape(x, [-1, height * width * channels]), tf.reshape(x * x, [-1, height * width * channels])

    def difference(values, rows, columns):
        """x[i + rows, j + columns] - x[i, j]: slices of a flat image are faster than of one with rows and columns."""
        step = (rows * width + columns) * channels
        return values[:, step:] - values[:, :-step]

    def mean(values, rows, columns):
        """The mean over the places (i, j) for which (i + rows, j + columns) is in the image, not in another row."""
        inside = np.zeros([height, width, channels])
        inside[: height - rows, max(-columns, 0) : width - max(columns, 0)] = 1.0
        weights = (inside / inside.sum()).reshape(-1, 1)[: values.shape[1]]
        return tf.matmul(values, tf.constant(weights, tf.float32))

    edges = [(difference(flat, *step), step) for step in ((1, 0), (0, 1))]
    squares = [(each * each, step) for each, step in edges]
    diagonals = [(difference(flat, *step), step) for step in ((1, 1), (1, -1))]
    curved = [(difference(each, *step), (2 * step[0], 2 * step[1])) for each, step in edges]
    found = [
        *(mean(each, 0, 0) for each in (flat, square, flat * square, square * square)),
        *(mean(each, *step) for each, step in squares),
        *(mean(each * each, *step) for each, step in diagonals),
        sum(mean(tf.abs(each), *step) for each, step in edges),
        sum(mean(each * each, *step) for each, step in squares),
        sum(mean(tf.abs(each), *step) for each, step in curved),
        sum(mean(each * each, *step) for each, step in curved),
    ]
    return tf.concat(found, axis=-1)


def fit_texture(values: np.ndarray, seed: int) -> Texture:
    """Fits a `Texture`.

    Args:
        values: `texture_values` of usual images [N, F].
        seed: integer seed of the fit.
    """
    lowest = np.float32(values.min(axis=0))
    matrix = np.asarray(_logarithms(np.asarray(values, np.float64), lowest))
    center, scale = matrix.mean(axis=0), matrix.std(axis=0)
    scale = np.where(np.ptp(matrix, axis=0) > 0, scale, 1.0)
    fitted = fit_density((matrix - center) / scale, seed)
    # The same density, of the matrix itself.
    factors = np.float32(fitted.factors / scale[:, np.newaxis])
    constants = np.float32(fitted.constants - np.log(scale).sum())
    center, loc = np.float32(center + scale * fitted.center), np.float32(scale * fitted.loc)
    return Texture(lowest, constants, center, loc, factors)


def _logarithms(values, lowest):
    floor = np.where(lowest > 0, np.maximum(_BELOW * lowest, 1e-30), 1.0).astype(np.float32)
    if tf.is_tensor(values):
        return tf.where(lowest > 0, tf.math.log(tf.maximum(values, floor)), values)
    return np.where(lowest > 0, np.log(np.maximum(values, floor)), values)


_BELOW = 0.01  # of the lowest usual value: the smallest that counts
