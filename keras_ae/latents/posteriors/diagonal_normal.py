import math

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.posteriors.posterior import Posterior, many
from keras_ae.latents.spaces import Family, Formula
from keras_ae.step_context import INFERENCE, StepContext


@keras.saving.register_keras_serializable(package="keras_ae")
class DiagonalNormal(Posterior):
    """q(z|x) = N(loc(x), diag(scale(x)^2)), with scale = softplus(raw) + 1e-5.

    References:
        Kingma and Welling 2014, arXiv:1312.6114, equation 9.
    """

    family = Family.NORMAL
    formulas = Posterior.formulas | {Formula.FACTORIZED, Formula.MARGINALS}

    def _head_size(self) -> int:
        return 2 * self.latent_dim

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        return normals(*self._parameters(params))

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        # A slice, because the converter keeps a half-used split in float32 when everything else is int8.
        return tf.cast(params, tf.float32)[..., : params.shape[-1] // 2]

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        loc, scale = self._parameters(params)
        noise = random.normal(seeds, rows, self.latent_dim, temperature=temperature)
        return loc + scale * noise

    def draw_many(self, params, seeds, rows):
        # Without a copy of the parameters for each draw: the density of the noise, divided by the scales.
        loc, scale = self._parameters(params)  # [B, D]
        seeds, repeated, shape = many(seeds, rows)
        noise = tf.reshape(random.normal(seeds, repeated, self.latent_dim), [*shape, self.latent_dim])
        log_scale = tf.reduce_sum(tf.math.log(scale), axis=-1) + 0.5 * self.latent_dim * math.log(2.0 * math.pi)
        return loc + scale * noise, -0.5 * tf.reduce_sum(noise**2, axis=-1) - log_scale

    def _parameters(self, params):
        loc, raw_scale = tf.split(tf.cast(params, tf.float32), 2, axis=-1)  # [..., D] each
        return loc, tf.nn.softplus(raw_scale) + 1e-5
