"""Priors without weights."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.distributions.one_hots import OneHots
from keras_ae.latents.posteriors.relaxed_categorical import check_groups
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.spaces import Family, Formula, OneHot, Sphere
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class StandardNormal(Prior):
    """Standard normal prior, p(z) = N(0, I)."""

    family = Family.NORMAL
    formulas = frozenset({Formula.FACTORIZED})

    def distribution(self, context: Context = None) -> tfd.Distribution:
        zeros = tf.zeros(self.event_shape)
        return normals(zeros, 1.0)

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        return random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)


@keras.saving.register_keras_serializable(package="keras_ae")
class UniformCategorical(Prior):
    """Uniform prior over independent one-hot vectors, for the posterior `RelaxedCategorical`.

    Args:
        num_classes: number of classes of each variable; a code has latent_dim / num_classes variables.
    """

    family = Family.ONE_HOT

    def __init__(self, num_classes: int = 10, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = check_size("num_classes", num_classes)
        self.space = OneHot(self.num_classes)

    def check_latent_dim(self, latent_dim: int) -> None:
        check_groups(latent_dim, self.num_classes)

    def distribution(self, context: Context = None) -> tfd.Distribution:
        return OneHots(tf.zeros([self.event_shape[-1] // self.num_classes, self.num_classes]))

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        """As in `Prior`, but ignores the temperature: equal logits stay equal."""
        size = self.event_shape[-1]
        # The argmax of C uniform numbers is a uniform class.
        numbers = tf.reshape(random.uniform(seeds, rows, size), [-1, size // self.num_classes, self.num_classes])
        drawn = tf.argmax(numbers, axis=-1, output_type=tf.int32)
        return tf.reshape(tf.one_hot(drawn, self.num_classes), [-1, size])


@keras.saving.register_keras_serializable(package="keras_ae")
class SphericalUniform(Prior):
    """Uniform prior on the unit sphere in D dimensions, p(z) = 1 / area, for posteriors such as `PowerSpherical`."""

    space = Sphere()
    family = Family.SPHERICAL

    def distribution(self, context: Context = None) -> tfd.Distribution:
        return _Uniform(self.event_shape[-1], dtype=tf.float32)

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        """As in `Prior`, but ignores the temperature: no direction is more typical than another."""
        return tf.math.l2_normalize(random.normal(seeds, rows, self.event_shape[-1]), axis=-1)


class _Uniform(tfp.distributions.SphericalUniform):
    """TFP's distribution, with noise that XLA draws fast."""

    def _variance(self):
        return tf.linalg.diag_part(self._covariance())

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return tf.math.l2_normalize(random.stateless_normal(shape, tfp.random.sanitize_seed(seed)), axis=-1)
