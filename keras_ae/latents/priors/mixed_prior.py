from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float, context_size_of
from keras_ae.latents.distributions.blocks import Blocks
from keras_ae.latents.of_parts import OfParts
from keras_ae.latents.priors.autoregressive_prior import AutoregressivePrior
from keras_ae.latents.priors.prior import LearnedPrior, Prior
from keras_ae.latents.priors.vamp_prior import VampPrior
from keras_ae.parts import build_once


@keras.saving.register_keras_serializable(package="keras_ae")
class MixedPrior(OfParts, LearnedPrior):
    """Concatenated codes of several kinds: p(z) = product over parts of p_i(z_i).

    Args:
        parts: list of priors that need no model, such as `[StandardNormal(), UniformCategorical(10)]`.
        sizes: dimension of each part; their sum is `latent_dim`.

    Example:
        >>> import keras_ae as kae
        >>> print(MixedPrior([kae.latents.StandardNormal(), kae.latents.UniformCategorical(4)], [3, 8]).space)
        3 values of real vectors, then 8 values of one-hot vectors of 4 classes
    """

    def __init__(self, parts: Sequence[Prior], sizes: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self._set_parts(parts, sizes, Prior, _fits, "priors that need no model")

    @property
    def learns(self) -> bool:
        return self.trainable and any(part.learns for part in self.parts)

    def build(self, input_shape):
        super().build(input_shape)
        num_features = context_size_of(input_shape)
        for part, size in zip(self.parts, self.sizes, strict=True):
            build_once(part, [(None, size), (None, num_features)] if num_features else (None, size))

    def distribution(self, context: Context = None) -> tfd.Distribution:
        return Blocks([part.distribution(context) for part in self.parts])

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        codes = [part.sample(random.fork(seeds, i), rows, context, temperature) for i, part in enumerate(self.parts)]
        return tf.concat(codes, axis=-1)


def _fits(part):
    return not isinstance(part, (VampPrior, AutoregressivePrior, MixedPrior))
