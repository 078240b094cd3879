from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents.bijectors.autoregression import bounded
from keras_ae.latents.bijectors.starts import hidden_options, small_outputs


class Coupling(keras.layers.Layer):
    """Affine coupling: z'_b = exp(log_scale(z_a)) * z_b + shift(z_a), z'_a = z_a, where a and b are halves of z.

    Args:
        hidden: the widths of the network's hidden layers.
        number: index of the layer in its chain, which selects the half that changes, in turn: second, first, odd
            indices, even indices.
    """

    def __init__(self, hidden: Sequence[int], number: int, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.number = number
        self.layers = [keras.layers.Dense(width, "tanh", dtype="float32", **hidden_options()) for width in hidden]

    def build(self, latent_dim):
        order = np.arange(latent_dim)
        split = [order < latent_dim // 2, order >= latent_dim // 2, order % 2 == 0, order % 2 == 1][self.number % 4]
        self.kept, self.changed = np.flatnonzero(split), np.flatnonzero(~split)
        self.back = np.argsort(np.concatenate([self.kept, self.changed]))
        self.last = keras.layers.Dense(2 * len(self.changed), kernel_initializer=small_outputs(), dtype="float32")
        width = len(self.kept)
        for layer in (*self.layers, self.last):
            layer.build((None, width))
            width = layer.units

    def transform(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (z', log |det dz'/dz|) for z [..., D]."""
        kept, changed, shift, log_scale = self._parts(z)
        return self._join(kept, tf.exp(log_scale) * changed + shift), tf.reduce_sum(log_scale, axis=-1)

    def invert(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (z, log |det dz'/dz|) for z' [..., D]."""
        kept, changed, shift, log_scale = self._parts(z)
        return self._join(kept, (changed - shift) * tf.exp(-log_scale)), tf.reduce_sum(log_scale, axis=-1)

    def _parts(self, z):
        kept, changed = tf.gather(z, self.kept, axis=-1), tf.gather(z, self.changed, axis=-1)
        features = kept
        for layer in (*self.layers, self.last):
            features = layer(features)
        return kept, changed, *bounded(*tf.split(features, 2, axis=-1))

    def _join(self, kept, changed):
        return tf.gather(tf.concat([kept, changed], axis=-1), self.back, axis=-1)
