import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.spaces import Family, Sphere


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
