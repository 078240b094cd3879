import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.latents.posterior import Posterior

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="keras_ae")
class FullCovarianceNormal(Posterior):
    """q(z|x) = N(loc(x), L(x) L(x)'), L lower triangular with the diagonal softplus(raw) + 1e-5.

    The code's values may depend on each other. It has D (D + 3) / 2 parameters. The KL divergence to a normal prior
    has a closed form.

    References:
        Kingma and Welling 2019, arXiv:1906.02691, section 2.5.1 ("full-covariance Gaussian posterior").
    """

    has_draw = True

    def parameter_size(self, latent_dim):
        return latent_dim * (latent_dim + 3) // 2

    def distribution(self, params, step=0):
        return TriangularNormal(*self._parameters(params))

    def draw(self, params, seeds, rows):
        loc, factor = self._parameters(params)
        return loc + tf.linalg.matvec(factor, random.normal(seeds, rows, self.event_shape[0]))

    def _parameters(self, params):
        params = tf.cast(params, tf.float32)
        size = self.event_shape[0]
        factor = tfp.math.fill_triangular(params[..., size:])  # [..., D, D]
        diagonal = tf.nn.softplus(tf.linalg.diag_part(factor)) + 1e-5
        return params[..., :size], tf.linalg.set_diag(factor, diagonal)


class TriangularNormal(tfd.MultivariateNormalTriL):
    """The normal distribution of a mean and a Cholesky factor: a class of its own, to register a divergence with."""


@tfd.RegisterKL(TriangularNormal, tfd.Independent)
def _kl(q, p, name=None):
    """The closed form where p is a vector of independent normal values, as `StandardNormal` is."""
    if not isinstance(p.distribution, tfd.Normal):
        raise NotImplementedError(f"There is no closed form of the KL divergence to {p.distribution.name}.")
    scale = tf.broadcast_to(p.distribution.scale, tf.shape(p.distribution.loc))
    return tfd.kl_divergence(q, tfd.MultivariateNormalDiag(p.distribution.loc, scale), name=name)
