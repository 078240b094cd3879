import math

import keras
import tensorflow as tf

from keras_ae.latents.posteriors.flow_posterior import FlowPosterior
from keras_ae.latents.posteriors.posterior import Posterior

_HALVINGS = 30  # bisections of an interval of length 2 |w'u|, down to float32 precision


@keras.saving.register_keras_serializable(package="keras_ae")
class PlanarFlow(FlowPosterior):
    """Planar flow: transforms a base posterior by planar maps, whose parameters the encoder computes for each x:

        z_t = z_(t-1) + u tanh(w'z_(t-1) + b),  log |det| = log(1 + w'u (1 - tanh(w'z_(t-1) + b)^2))

    u is shifted along w so that w'u > -1, which makes the map invertible. The density of any code is exact: the inverse
    is the root of an increasing scalar function, found by bisection. `mean` is the image of the base's mean.

    Args:
        base: posterior of z_0.
        steps: number of maps, T.

    References:
        Rezende and Mohamed 2015, arXiv:1505.05770, equations 10 to 12 and appendix A.1.
    """

    def __init__(self, base: str | Posterior = "diagonal_normal", *, steps: int = 4, **kwargs):
        super().__init__(base, steps=steps, **kwargs)

    def _head_size(self) -> int:
        return self.steps * (2 * self.latent_dim + 1)

    def forward(self, z: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        log_det = 0.0
        for u, w, b, least in self._maps(given):
            bend = tf.tanh(tf.reduce_sum(w * z, axis=-1, keepdims=True) + b)  # [..., B, 1]
            z += u * bend
            log_det += _log_det(least, bend)
        return z, log_det

    def inverse(self, z: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        log_det = 0.0
        for u, w, b, least in reversed(self._maps(given)):
            place = _solve(tf.reduce_sum(w * z, axis=-1, keepdims=True), least, b)  # w'z_(t-1)
            bend = tf.tanh(place + b)
            z -= u * bend
            log_det += _log_det(least, bend)
        return z, log_det

    def _maps(self, given):
        """Yields u, w [B, D], b, 1 + w'u [B, 1] of each map."""
        size = self.latent_dim
        return [_invertible(*tf.split(part, [size, size, 1], axis=-1)) for part in tf.split(given, self.steps, axis=-1)]


def _invertible(u, w, b):
    """Returns u, shifted so that the map is invertible, w, b, and 1 + w'u of the shifted u."""
    square = tf.reduce_sum(w * w, axis=-1, keepdims=True) + 1e-12
    along = tf.reduce_sum(w * u, axis=-1, keepdims=True)
    # 1 + m(w'u) of appendix A.1, shifted so that m(0) = 0: otherwise u grows without bound as w vanishes.
    least = tf.maximum(tf.nn.softplus(along + math.log(math.e - 1.0)), 1e-6)
    return u + (least - 1.0 - along) * w / square, w, b, least


def _slope(least, bend):
    """Returns 1 + w'u (1 - bend^2), without the cancellation that loses digits of 1 + w'u."""
    return bend * bend + least * (1.0 - bend * bend)


def _log_det(least, bend):
    return tf.math.log(_slope(least, bend))[..., 0]


def _solve(target, least, b):
    """Returns the root a of a + w'u tanh(a + b) = target, whose left side increases with a."""
    along = least - 1.0
    reach = tf.abs(along) + tf.zeros_like(target)

    def halve(low, high):
        middle = 0.5 * (low + high)
        beyond = middle + along * tf.tanh(middle + b) > target
        return tf.where(beyond, low, middle), tf.where(beyond, middle, high)

    low, high = tf.while_loop(lambda *_: True, halve, (target - reach, target + reach), maximum_iterations=_HALVINGS)
    root = tf.stop_gradient(0.5 * (low + high))
    # One Newton step gives the last digits and the gradients of the root.
    bend = tf.tanh(root + b)
    return root - (root + along * bend - target) / tf.stop_gradient(_slope(least, bend))
