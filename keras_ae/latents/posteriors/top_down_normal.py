import keras
import tensorflow as tf

from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class TopDownNormal(HierarchicalPosterior):
    """Top-down posterior: a network infers each layer from x and the layer above it:

        q(z_l | z_(l+1), x) = N(loc_l, diag(scale_l^2)),  (loc_l, raw_l) = V_l relu(U_l h(x) + W_l t(z_(l+1)))

    where h are the encoder's features, t the hidden features of the prior's network from z_(l+1) to z_l (the prior is a
    `HierarchicalNormal`), and scale = softplus(raw) + 1e-5. The KL is a sum of closed forms over layers, given samples
    of the layers above.

    Args:
        hidden: width of the hidden layer of each network.

    References:
        Kingma et al. 2016, arXiv:1606.04934, appendix C, for top-down inference along the prior ("bidirectional").
    """

    def __init__(self, hidden: int = 64, **kwargs):
        super().__init__(**kwargs)
        self.hidden = check_size("hidden", hidden)

    def build(self, input_shape):
        super().build(input_shape)
        self.merges = [keras.layers.Dense(self.hidden, use_bias=False, dtype="float32") for _ in self.sizes[1:]]
        self.heads = [keras.layers.Dense(2 * size, dtype="float32") for size in self.sizes]
        for level, merge in enumerate(self.merges):
            merge.build((None, self._feature_size(level)))
        for head in self.heads:
            head.build((None, self.hidden))

    def _head_size(self) -> int:
        return len(self.sizes) * self.hidden

    def layer(self, params: tf.Tensor, level: int, above: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        given = params[..., level * self.hidden : (level + 1) * self.hidden]
        if above is not None:
            given += self.merges[level](self._top_down(level, above)[0])
        loc, raw_scale = tf.split(self.heads[level](tf.nn.relu(given)), 2, axis=-1)
        return loc, tf.nn.softplus(raw_scale) + 1e-5
