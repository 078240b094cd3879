import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.posterior import Posterior

tfd = tfp.distributions
SPHERE = "the unit sphere"


@keras.saving.register_keras_serializable(package="keras_ae")
class PowerSpherical(Posterior):
    """Codes on the unit sphere in D dimensions: q(z|x) ~ (1 + direction(x)'z)^concentration(x).

    The prior that goes with it is `SphericalUniform`; the KL divergence has a closed form. The code that `encode` gives
    is the direction, which is on the sphere as every code; the mean itself is inside.

    References:
        De Cao and Aziz 2020, arXiv:2006.04437; Davidson et al. 2018, arXiv:1804.00891, for autoencoders on spheres.
    """

    space = SPHERE
    has_scale = False

    def check_latent_dim(self, latent_dim):
        if latent_dim < 2:
            raise ValueError(f"`latent_dim` must be >= 2 for codes on a sphere. Received: latent_dim={latent_dim}")

    def parameter_size(self, latent_dim):
        return latent_dim + 1

    def distribution(self, params, step=0):
        params = tf.cast(params, tf.float32)
        concentration = tf.nn.softplus(params[..., -1]) + 1e-3
        return SphericalPower(self.mean(params), concentration)

    def mean(self, params):
        """The direction of q(z|x): [B, D], on the sphere."""
        return tf.math.l2_normalize(tf.cast(params, tf.float32)[..., :-1], axis=-1)


class SphericalPower(tfd.PowerSpherical):
    """TFP's distribution with samples whose gradients are finite everywhere.

    With b ~ Beta(c + a, a), a = (D - 1) / 2, a sample is t = 2 b - 1 along the direction and sqrt(1 - t^2) across it.
    In float32, b is often 1, where the square root has no gradient. Here b is the ratio g1 / (g1 + g0) of gamma
    variables, and the square root, 2 sqrt(g1 g0) / (g1 + g0), keeps its digits. As 2 a is a whole number, g0 is half
    the square of a vector of normal numbers, whose direction is the direction across.
    """

    def __init__(self, mean_direction, concentration, name="SphericalPower"):
        super().__init__(mean_direction, concentration, name=name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return tfd.PowerSpherical._parameter_properties(dtype, num_classes)

    def _sample_n(self, n, seed=None):
        direction = tf.convert_to_tensor(self.mean_direction)
        half = (direction.shape[-1] - 1) / 2
        concentration = tf.broadcast_to(self.concentration, self.batch_shape_tensor())
        seeds = tfp.random.split_seed(seed, salt="spherical_power")
        one = tfd.Gamma(half + concentration, 1.0).sample(n, seed=seeds[0])[..., tf.newaxis]
        # D - 1 normal numbers give the other gamma variable by their squares, and the direction across.
        noise = tf.random.stateless_normal(tf.concat([[n], tf.shape(direction[..., 1:])], axis=0), seeds[1])
        other = 0.5 * tf.reduce_sum(noise**2, axis=-1, keepdims=True)
        along, across = (one - other) / (one + other), tf.sqrt(2.0 * one) * noise / (one + other)
        first = tf.concat([along, across], axis=-1)
        # A Householder reflection takes the first axis to the direction.
        axis = tf.math.l2_normalize(_first_axis(direction) - direction, axis=-1)
        turned = first - 2.0 * tf.reduce_sum(first * axis, axis=-1, keepdims=True) * axis
        return tf.math.l2_normalize(turned, axis=-1)


def _first_axis(like):
    return tf.one_hot(0, like.shape[-1], dtype=like.dtype)
