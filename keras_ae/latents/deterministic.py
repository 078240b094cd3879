import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.posterior import Posterior


@keras.saving.register_keras_serializable(package="keras_ae")
class Deterministic(Posterior):
    """A point mass: z is a function of x, as in a plain autoencoder. It has no density, so no rate."""

    space = None
    has_scale = False
    has_frozen_density = False

    def distribution(self, params, step=0):
        return tfp.distributions.VectorDeterministic(tf.cast(params, tf.float32))
