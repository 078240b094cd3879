import math

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import tfd


def normals(loc: tf.Tensor, scale: tf.Tensor | float) -> tfd.Independent:
    """Returns N(z; loc, diag(scale^2)), a `tfd.Independent` over the last dimension.

    Args:
        loc: tensor [..., D].
        scale: tensor [..., D], or a number.
    """
    return _Normals(_Normal(loc, scale), reinterpreted_batch_ndims=1)


def are_normals(distribution: tfd.Distribution) -> bool:
    """Whether a distribution is a diagonal normal distribution."""
    return isinstance(distribution, tfd.Independent) and isinstance(distribution.distribution, tfd.Normal)


class _Normals(tfd.Independent):
    """TFP's distribution, with a covariance."""

    def _covariance(self):
        return tf.linalg.diag(self.variance())


class _Normal(tfd.Normal):
    """TFP's distribution, with noise that XLA draws fast."""

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], axis=0)
        return self.loc + self.scale * random.stateless_normal(shape, tfp.random.sanitize_seed(seed))


def mixture(logits: tf.Tensor, components: tfd.Distribution) -> tfd.MixtureSameFamily:
    """Returns a mixture with weights softmax(logits).

    Args:
        logits: tensor [K].
        components: distribution with batch shape [K].
    """
    kind = NormalMixtureDensity if are_normals(components) else tfd.MixtureSameFamily
    return kind(tfd.Categorical(logits=logits), components)


class NormalMixtureDensity(tfd.MixtureSameFamily):
    """TFP's mixture, of diagonal normals, with a density that needs no array [B, K, D].

        log p(z) = log sum_k w_k N(z; loc_k, diag(scale_k^2))

    XLA computes the squares within their sum over D. The array of TFP, 500 components of 40 values for each of many
    codes, does not fit into any cache.
    """

    def _log_prob(self, value):
        # Within the sum, XLA would also compute what `value` is made of, such as random numbers, for each component
        # anew, which takes longer than the density. It computes the result of a sum once.
        value = tf.reduce_sum(tf.stack([value, tf.zeros_like(value)]), axis=0)
        loc, scale = (getattr(self.components_distribution.distribution, name) for name in ("loc", "scale"))
        inverse = 1.0 / tf.broadcast_to(scale, tf.shape(loc))
        squares = tf.reduce_sum(((value[..., tf.newaxis, :] - loc) * inverse) ** 2, axis=-1)  # [..., K]
        constants = tf.reduce_sum(tf.math.log(inverse) - 0.5 * math.log(2.0 * math.pi), axis=-1)
        log_weights = tf.nn.log_softmax(self.mixture_distribution.logits_parameter())
        return tf.reduce_logsumexp(log_weights + constants - 0.5 * squares, axis=-1)


class LearnedMixture(NormalMixtureDensity):
    """A mixture with learned weights."""

    def with_gradients(self) -> "LearnedMixture":
        """Returns the same mixture, with draws whose gradients reach the component weights too.

        The gradients are implicit and need a matrix [D, D] per draw, so only callers that need them pay for them.
        Source: Figurnov, Mohamed and Mnih 2018, arXiv:1805.08498.
        """
        return self.copy(reparameterize=True)
