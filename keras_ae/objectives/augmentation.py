"""Random changes of an example that keep its class."""

import keras
import tensorflow as tf

from keras_ae.random import stateless_uniform

AUGMENTATIONS = ("affine",)

_SHIFT, _ROTATION, _ZOOM, _SHEAR = 0.055, 0.2, 0.1, 0.15  # largest: share of the size, radians, log factor, slope


def check_images(augmentation: str | None, event_shape: tuple[int, ...]) -> None:
    """Raises a `ValueError` for an augmentation of examples that are not images [H, W, C]."""
    if augmentation is not None and len(event_shape) != 3:
        raise ValueError(
            f'`augmentation` "{augmentation}" is for images [H, W, C]. Received: examples {list(event_shape)}'
        )


def affine(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns images [B, H, W, C], each with a small random shift, rotation, zoom and shear around its center."""
    num, height, width = tf.shape(x)[0], x.shape[1], x.shape[2]
    numbers = tf.unstack(2.0 * stateless_uniform([num, 6], seed) - 1.0, axis=1)  # each [B], in [-1, 1)
    angle, slope = _ROTATION * numbers[0], _SHEAR * numbers[1]
    across, down = tf.exp(_ZOOM * numbers[2]), tf.exp(_ZOOM * numbers[3])
    # The place in the input of each place (column, row) in the output.
    a, b = across * tf.cos(angle), slope - down * tf.sin(angle)
    c, d = across * tf.sin(angle), down * tf.cos(angle)
    column, row = (width - 1) / 2, (height - 1) / 2
    right = column - a * column - b * row + _SHIFT * width * numbers[4]
    below = row - c * column - d * row + _SHIFT * height * numbers[5]
    zero = tf.zeros_like(a)
    return keras.ops.image.affine_transform(
        x, tf.stack([a, b, right, c, d, below, zero, zero], axis=1), data_format="channels_last"
    )
