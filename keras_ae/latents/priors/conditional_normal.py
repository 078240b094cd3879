from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float, context_size_of
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.latents.spaces import Family, Formula
from keras_ae.validation.arguments import check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class ConditionalNormal(LearnedPrior):
    """Learned conditional prior p(z|c) = N(loc(c), diag(scale(c)^2)), with scale = softplus(raw) + 1e-5.

    It starts as the standard normal for every condition. The KL divergence of a normal posterior has a closed form.

    Args:
        hidden: widths of the hidden layers that map the condition's features to loc and scale; `()` for none, which
            gives one normal distribution per class for a categorical condition.

    References:
        Sohn, Lee and Yan 2015, "Learning structured output representation using deep conditional generative models",
        NeurIPS, equation 4.
    """

    family = Family.NORMAL
    formulas = frozenset({Formula.FACTORIZED})

    def __init__(self, hidden: Sequence[int] = (64,), **kwargs):
        super().__init__(**kwargs)
        self.hidden = check_widths("hidden", hidden, fewest=0)
        self.layers = [keras.layers.Dense(width, "relu", dtype="float32") for width in self.hidden]

    def build(self, input_shape):
        super().build(input_shape)
        width = context_size_of(input_shape)
        self.last = keras.layers.Dense(2 * self.event_shape[-1], kernel_initializer="zeros", dtype="float32")
        for layer in (*self.layers, self.last):
            layer.build((None, width))
            width = layer.units

    def distribution(self, context: Context = None) -> tfd.Distribution:
        return normals(*self._parameters(context))

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        loc, scale = self._parameters(context)
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return loc + scale * noise

    def _parameters(self, context):
        """Returns loc and scale: [B, D] each, in float32."""
        if context is None:
            raise ValueError("`condition` must be given, because ConditionalNormal depends on it. Received: None")
        features = context
        for layer in (*self.layers, self.last):
            features = layer(features)
        loc, raw_scale = tf.split(features, 2, axis=-1)
        return loc, tf.nn.softplus(raw_scale + _UNIT) + 1e-5


_UNIT = 0.5413  # softplus(0.5413) = 1
