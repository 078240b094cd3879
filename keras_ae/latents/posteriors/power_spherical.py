import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.spaces import Family, Formula, Sphere
from keras_ae.step_context import INFERENCE, StepContext

_SHORTEST = 1e-6  # norm of a vector with a direction; an all-zero example has none while biases are zero


@keras.saving.register_keras_serializable(package="keras_ae")
class PowerSpherical(Posterior):
    """Power spherical posterior on the unit sphere in D dimensions: q(z|x) ~ (1 + direction(x)'z)^concentration(x).

    Its prior is `SphericalUniform`; the KL divergence has a closed form. `encode` returns the direction, which is on
    the sphere like every code; the mean is inside the sphere.

    References:
        De Cao and Aziz 2020, arXiv:2006.04437, equation 48, and 72 for the divergence from the uniform distribution;
        Davidson et al. 2018, arXiv:1804.00891, for autoencoders on spheres.
    """

    space = Sphere()
    family = Family.SPHERICAL
    formulas = Posterior.formulas - {Formula.STDDEV}

    def check_latent_dim(self, latent_dim: int) -> None:
        if latent_dim < 2:
            raise ValueError(f"`latent_dim` must be >= 2 for codes on a sphere. Received: latent_dim={latent_dim}")

    def _head_size(self) -> int:
        return self.latent_dim + 1

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        params = tf.cast(params, tf.float32)
        concentration = tf.nn.softplus(params[..., -1]) + 1e-3
        return SphericalPower(self.mean(params), concentration)

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        q, dim = self.distribution(params), self.latent_dim
        # Near the direction, it resembles a normal distribution with variance 1 / concentration, up to a factor.
        concentration = q.concentration / temperature**2
        normal = random.normal(seeds, rows, dim - 1)
        return from_noise(
            q.mean_direction, concentration, normal, random.uniform(seeds, rows, num_uniforms(dim), stream=2)
        )

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the direction of q(z|x): [B, D], on the sphere. If the parameters give none, it is the first axis."""
        direction = tf.cast(params, tf.float32)[..., :-1]
        length = tf.norm(direction, axis=-1, keepdims=True)
        first = tf.one_hot(0, direction.shape[-1])
        return tf.math.l2_normalize(tf.where(length < _SHORTEST, first, direction), axis=-1)


class SphericalPower(tfd.PowerSpherical):
    """TFP's distribution, with samples that are a smooth function of the parameters.

    A sample is t = 2 b - 1 along the direction and 2 sqrt(b (1 - b)) across it, with b ~ Beta(c + a, a) and
    a = (D - 1) / 2. TFP draws b from gamma variables: their gradient takes XLA 15 seconds to compile, and is NaN where
    b rounds to 1. Because 2 a is an integer, b is a product of simple variables:

        Beta(p, m) = product over i < m of u_i^(1 / (p + i))                                    for whole m
        Beta(p, m + 1/2) = Beta(p, 1/2) Beta(p + 1/2, m),  Beta(p, 1/2) = 1 / (1 + (u^(-1/p) - 1) cos(2 pi v)^2)

    References:
        Bailey 1994, "Polar generation of random variates with the t-distribution", Mathematics of Computation 62.
    """

    def _mode(self):
        return tf.convert_to_tensor(self.mean_direction)

    def _variance(self):
        return tf.linalg.diag_part(self._covariance())

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, salt="spherical_power")
        dim, leading = self.mean_direction.shape[-1], tf.concat([[n], self.batch_shape_tensor()], axis=0)
        normal = random.stateless_normal(tf.concat([leading, [dim - 1]], axis=0), seeds[0])
        # Below 1, so that log b < 0: the square root of 1 - b has no gradient at 0.
        size = tf.concat([leading, [num_uniforms(dim)]], axis=0)
        uniform = random.stateless_uniform(size, seeds[1], low=1e-30)
        return from_noise(self.mean_direction, self.concentration, normal, uniform)


def num_uniforms(dim: int) -> int:
    """Returns the number of uniform numbers that `from_noise` takes."""
    whole, half = divmod(dim - 1, 2)
    return whole + 2 * half


def from_noise(direction: tf.Tensor, concentration: tf.Tensor, normal: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Maps normal noise [..., D - 1] and uniform noise [..., `num_uniforms(D)`] to a sample [..., D]."""
    across = tf.math.l2_normalize(normal, axis=-1)
    log_b = _log_beta(direction.shape[-1], concentration[..., tf.newaxis], uniform)
    rest = -tf.math.expm1(log_b)  # 1 - b, to full precision
    first = tf.concat([1.0 - 2.0 * rest, 2.0 * tf.exp(0.5 * log_b) * tf.sqrt(rest) * across], axis=-1)
    # A Householder reflection maps the first axis to the direction.
    axis = tf.math.l2_normalize(tf.one_hot(0, direction.shape[-1]) - direction, axis=-1)
    turned = first - 2.0 * tf.reduce_sum(first * axis, axis=-1, keepdims=True) * axis
    return tf.math.l2_normalize(turned, axis=-1)


def _log_beta(dim, concentration, uniform):
    """Returns log b, [..., 1]."""
    whole, half = divmod(dim - 1, 2)
    p, log_u = concentration + 0.5 * (dim - 1), tf.math.log(uniform)
    exponents = 1.0 / (p + 0.5 * half + tf.range(whole, dtype=tf.float32))
    log_b = tf.reduce_sum(log_u[..., :whole] * exponents, axis=-1, keepdims=True)
    if half:
        radius = tf.math.expm1(-log_u[..., whole : whole + 1] / p)
        log_b -= tf.math.log1p(radius * tf.cos(2.0 * math.pi * uniform[..., whole + 1 :]) ** 2)
    return log_b
