import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.spaces import Family, Formula


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
