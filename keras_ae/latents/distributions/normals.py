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


class LearnedMixture(tfd.MixtureSameFamily):
    """A mixture with learned weights."""

    def with_gradients(self) -> "LearnedMixture":
        """Returns the same mixture, with draws whose gradients reach the component weights too.

        The gradients are implicit and need a matrix [D, D] per draw, so only callers that need them pay for them.
        Source: Figurnov, Mohamed and Mnih 2018, arXiv:1805.08498.
        """
        return self.copy(reparameterize=True)
