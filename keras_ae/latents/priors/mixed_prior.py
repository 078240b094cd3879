import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.latents.distributions.blocks import Blocks
from keras_ae.latents.mixed import OfParts, check_parts, check_sizes, family_of_parts, space_of_parts
from keras_ae.latents.priors.prior import Prior
from keras_ae.parts import build_part


@keras.saving.register_keras_serializable(package="keras_ae")
class MixedPrior(OfParts, Prior):
    """Codes of several kinds, one after the other: p(z) = product over parts of p_i(z_i).

    Args:
        parts: list of priors with a distribution of their own, such as `[StandardNormal(), UniformCategorical(10)]`.
        sizes: how many values of the code each of them has; their sum is `latent_dim`.

    Example:
        >>> import keras_ae as kae
        >>> MixedPrior([kae.latents.StandardNormal(), kae.latents.UniformCategorical(4)], [3, 8]).space
        '3 values of real vectors, then 8 values of one-hot vectors of 4 classes'
    """

    build_needs = ("x", "context")
    has_weights = True  # where its parts have some

    def __init__(self, parts, sizes, **kwargs):
        super().__init__(**kwargs)
        self.parts, self.sizes = check_parts(parts, sizes, Prior, _fits, "priors with a distribution of their own")
        self.space = space_of_parts(self.parts, self.sizes)
        self.needs_condition = any(part.needs_condition for part in self.parts)
        self.is_product = all(part.is_product for part in self.parts)
        self.family = family_of_parts(self.parts, self.sizes)

    @property
    def learns(self):
        return self.trainable and any(part.learns for part in self.parts)

    def check_latent_dim(self, latent_dim):
        check_sizes(latent_dim, self.parts, self.sizes)

    def build(self, x_shape, context_shape, event_shape):
        self.event_shape = tuple(event_shape)
        shapes = {"x": x_shape, "context": context_shape}
        for part, size in zip(self.parts, self.sizes, strict=True):
            build_part(part, *(shapes[name] for name in part.build_needs), (size,))

    def distribution(self, context=None):
        return Blocks([part.distribution(context) for part in self.parts])

    def sample(self, seeds, rows, context=None, temperature=1.0):
        codes = [part.sample(random.fork(seeds, i), rows, context, temperature) for i, part in enumerate(self.parts)]
        return tf.concat(codes, axis=-1)


def _fits(part):
    return part.fitted and not (part.needs_draws or part.needs_codebook or isinstance(part, MixedPrior))
