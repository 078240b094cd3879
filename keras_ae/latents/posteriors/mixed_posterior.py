from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.distributions.blocks import Blocks
from keras_ae.latents.of_parts import OfParts
from keras_ae.latents.posteriors.deterministic import Deterministic
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.parts import build_once
from keras_ae.step_context import INFERENCE, StepContext


@keras.saving.register_keras_serializable(package="keras_ae")
class MixedPosterior(OfParts, Posterior):
    """Concatenated codes of several kinds: q(z|x) = product over parts of q_i(z_i|x).

    Each part has its own layer on the encoder's features. Its prior is a `MixedPrior` with as many parts, of the same
    sizes and over the same spaces. The KL is the sum of the parts' KLs, each in closed form where one exists.

    Args:
        parts: list of posteriors with a density, such as `[DiagonalNormal(), RelaxedCategorical(10)]`.
        sizes: dimension of each part; their sum is `latent_dim`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> posterior = MixedPosterior([kae.latents.DiagonalNormal(), kae.latents.RelaxedCategorical(5)], [3, 5])
        >>> prior = kae.latents.MixedPrior([kae.latents.StandardNormal(), kae.latents.UniformCategorical(5)], [3, 5])
        >>> model = kae.models.VAE(latent_dim=8, posterior=posterior, prior=prior)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Dupont 2018, arXiv:1804.00104, section 3, for joint continuous and discrete codes.
    """

    def __init__(self, parts: Sequence[Posterior], sizes: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self._set_parts(parts, sizes, Posterior, _fits, "posteriors with a density")

    def build(self, input_shape):
        for part in self._sized():
            build_once(part, input_shape)

    def call(self, features, step_context: StepContext = INFERENCE):
        params = [tf.cast(part(features, step_context=step_context), self.compute_dtype) for part in self.parts]
        return tf.concat(params, axis=-1)

    def output_size(self) -> int:
        return sum(self._widths())

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        return Blocks([part.distribution(own, step_context) for part, own in self._split(params)])

    def exact(self, params: tf.Tensor) -> tfd.Distribution:
        return Blocks([part.exact(own) for part, own in self._split(params)])

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        pairs = enumerate(self._split(params))
        codes = [part.draw(own, random.fork(seeds, i), rows, temperature) for i, (part, own) in pairs]
        return tf.concat(codes, axis=-1)

    def draw_and_log_prob(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pairs = enumerate(self._split(params))
        drawn = [part.draw_and_log_prob(own, random.fork(seeds, i), rows) for i, (part, own) in pairs]
        return tf.concat([z for z, _ in drawn], axis=-1), tf.add_n([log_prob for _, log_prob in drawn])

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        return tf.concat([part.mean(own) for part, own in self._split(params)], axis=-1)

    def _split(self, params):
        return zip(self.parts, tf.split(params, self._widths(), axis=-1), strict=True)

    def _widths(self):
        return [part.output_size() for part in self._sized()]

    def _sized(self):
        for part, size in zip(self.parts, self.sizes, strict=True):
            part.set_latent_dim(size)
        return self.parts


def _fits(part):
    return not isinstance(part, (Deterministic, HierarchicalPosterior, MixedPosterior))
