from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from keras_ae.latents.bijectors.masked_mlp import MaskedMLP
from keras_ae.latents.code_distribution import Context

_BOUND = 3.0  # bound of log-scales: keeps inverses within float32


def gated(m: tf.Tensor, s: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns shift and log-scale of z' = gate * z + (1 - gate) * m with gate = sigmoid(s + 2)."""
    return (1.0 - tf.sigmoid(s + 2.0)) * m, tf.math.log_sigmoid(s + 2.0)


def bounded(shift: tf.Tensor, s: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns shift and log-scale of z' = exp(3 tanh(s / 3)) * z + shift."""
    return shift, _BOUND * tf.tanh(s / _BOUND)


class Autoregression(keras.layers.Layer):
    """A chain of affine maps z'_i = scale_i * z_i + shift_i, where shift_i and scale_i depend on z_1 ... z_(i-1).

    `transform` takes one pass per map, `invert` takes D. Every second map runs from the last value to the first.

    Args:
        steps: number of maps.
        hidden: hidden widths of each map's network.
        affine: function from the network's two outputs to (shift, log-scale).
        zero: whether both outputs are zero at the start; otherwise they are small.
    """

    def __init__(
        self,
        steps: int,
        hidden: Sequence[int],
        affine: Callable[..., tuple[tf.Tensor, tf.Tensor]],
        *,
        zero: bool = True,
        **kwargs,
    ):
        super().__init__(dtype="float32", **kwargs)
        self.affine = affine
        self.networks = [MaskedMLP(hidden, zero=zero) for _ in range(steps)]

    def build(self, latent_dim, context_size=0):
        self.latent_dim = latent_dim
        for network in self.networks:
            network.build(latent_dim, context_size)

    def transform(self, z: tf.Tensor, context: Context = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (z', log |det dz'/dz|) for z [..., D]."""
        log_det = 0.0
        for number, network in enumerate(self.networks):
            z = _reversed_if_odd(z, number)
            shift, log_scale = self.affine(*network(z, context))
            z = _reversed_if_odd(tf.exp(log_scale) * z + shift, number)
            log_det += tf.reduce_sum(log_scale, axis=-1)
        return z, log_det

    def invert(self, z: tf.Tensor, context: Context = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (z, log |det dz'/dz|) for z' [..., D]."""
        log_det = 0.0
        for number in reversed(range(len(self.networks))):
            z, log_scale = self._invert_one(number, _reversed_if_odd(z, number), context)
            z = _reversed_if_odd(z, number)
            log_det += tf.reduce_sum(log_scale, axis=-1)
        return z, log_det

    def _invert_one(self, number, target, context):
        passes = self.latent_dim

        def one_pass(i, z, _):  # value i from the values before it; later values are still 0
            shift, log_scale = self.affine(*self.networks[number](z, context))
            known = (target - shift) * tf.exp(-log_scale)
            return i + 1, tf.where(tf.range(passes) <= i, known, 0.0), log_scale

        start = (0, tf.zeros_like(target), tf.zeros_like(target))
        return tf.while_loop(lambda i, *_: i < passes, one_pass, start, maximum_iterations=passes)[1:]


def _reversed_if_odd(z, number):
    return tf.reverse(z, [-1]) if number % 2 else z
