import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.posterior import Posterior

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="keras_ae")
class DiagonalNormal(Posterior):
    """q(z|x) = N(loc(x), diag(scale(x)^2)), with scale = softplus(raw) + 1e-5.

    References:
        Kingma and Welling 2014, arXiv:1312.6114, equation 9.
    """

    parameters_per_value = 2

    def distribution(self, params, step=0):
        loc, raw_scale = tf.split(tf.cast(params, tf.float32), 2, axis=-1)  # [..., D] each
        return tfd.Independent(tfd.Normal(loc, tf.nn.softplus(raw_scale) + 1e-5), reinterpreted_batch_ndims=1)
