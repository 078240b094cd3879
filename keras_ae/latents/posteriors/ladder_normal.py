import keras
import tensorflow as tf

from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class LadderNormal(HierarchicalPosterior):
    """Ladder posterior: merges the bottom-up estimate of each layer with the prior's, weighted by their precisions.

        d_1 = h(x),  d_l = relu(dense(d_(l-1)))                        from the bottom up, h the encoder's features
        q(z_L | x) = N(loc_L(d_L), scale_L(d_L)^2)
        q(z_l | z_(l+1), x) = N(loc, scale^2),  scale^-2 = scale_l(d_l)^-2 + scale_p^-2
        loc = scale^2 (loc_l(d_l) scale_l(d_l)^-2 + loc_p scale_p^-2)

    loc_p and scale_p come from the prior, a `HierarchicalNormal`, given the same z_(l+1). The KL is a sum of closed
    forms over layers, given samples of the layers above.

    Args:
        hidden: the width of d_2 ... d_L.

    References:
        Soenderby et al. 2016, arXiv:1602.02282, section 2: the ladder and its precision-weighted merge (equations 18
        and 19 as numbered in a NeurIPS 2016 review).
    """

    def __init__(self, hidden: int = 64, **kwargs):
        super().__init__(**kwargs)
        self.hidden = check_size("hidden", hidden)

    def build(self, input_shape):
        self._check_sized()
        self.flatten = keras.layers.Flatten(dtype=self.dtype_policy)
        self.flatten.build(input_shape)
        self.rises = [keras.layers.Dense(self.hidden, "relu", dtype=self.dtype_policy) for _ in self.sizes[1:]]
        self.heads = [keras.layers.Dense(2 * size, dtype=self.dtype_policy) for size in self.sizes]
        shape = self.flatten.compute_output_shape(input_shape)
        for level, head in enumerate(self.heads):
            if level:
                self.rises[level - 1].build(shape)
                shape = (None, self.hidden)
            head.build(shape)

    def call(self, features, step_context: StepContext = INFERENCE):
        """Returns loc and raw scale of z_1, then of z_2 ...: [B, 2 D]."""
        rising = self.flatten(features)
        params = [self.heads[0](rising)]
        for rise, head in zip(self.rises, self.heads[1:], strict=True):
            rising = rise(rising)
            params.append(head(rising))
        return tf.concat(params, axis=-1)

    def output_size(self) -> int:
        return 2 * self.latent_dim

    def layer(self, params: tf.Tensor, level: int, above: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        start, size = 2 * sum(self.sizes[:level]), self.sizes[level]
        loc, raw_scale = tf.split(params[..., start : start + 2 * size], 2, axis=-1)
        scale = tf.nn.softplus(raw_scale) + 1e-5
        if above is None:
            return loc, scale
        return merged(loc, scale, *self._top_down(level, above)[1:])


def merged(
    loc: tf.Tensor, scale: tf.Tensor, other_loc: tf.Tensor, other_scale: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns loc and scale of the product of two normal densities."""
    precision, other_precision = scale**-2, other_scale**-2
    variance = 1.0 / (precision + other_precision)
    return variance * (loc * precision + other_loc * other_precision), tf.sqrt(variance)
