from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.hierarchy import Hierarchy
from keras_ae.latents.priors.conditional_normal import ConditionalNormal
from keras_ae.latents.priors.flow_priors import MaskedAutoregressiveFlow, RealNVP
from keras_ae.latents.priors.normal_mixture import NormalMixture
from keras_ae.latents.priors.prior import LearnedPrior, Prior
from keras_ae.latents.spaces import Real
from keras_ae.parts import build_once
from keras_ae.registry import resolve
from keras_ae.validation.arguments import check_size, check_widths

TOPS = {
    "masked_autoregressive_flow": MaskedAutoregressiveFlow,
    "normal_mixture": NormalMixture,
    "real_nvp": RealNVP,
}
_UNIT = 0.5413  # softplus(0.5413) = 1


@keras.saving.register_keras_serializable(package="keras_ae")
class HierarchicalNormal(LearnedPrior):
    """Learned hierarchical prior over codes z = (z_1 ... z_L), drawn from the last layer to the first:

        p(z) = N(z_L; 0, I) prod_(l < L) N(z_l; loc_l(z_(l+1)), diag(scale_l(z_(l+1))^2))

    where scale = softplus(raw) + 1e-5. It starts as the standard normal. z_L may have another prior, `top`, in place of
    N(0, I). z_1, the layer next to the data, comes first in a code. The posteriors `TopDownNormal` and `LadderNormal`
    have the same layers and share its networks. With any other posterior over real vectors, the KL is estimated from
    samples.

    Args:
        sizes: dimensions of z_1 ... z_L; `latent_dim` is their sum.
        hidden: widths of the hidden layers from z_(l+1) to loc_l and scale_l; `()` for none.
        top: prior of z_L, a name or a prior over real vectors that needs neither the model nor a condition, such as
            `"masked_autoregressive_flow"`; `None` for N(0, I).

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> prior = HierarchicalNormal([3, 2, 1], hidden=[16])
        >>> model = kae.models.VAE(latent_dim=6, prior=prior, posterior="ladder_normal")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)

    References:
        Soenderby et al. 2016, arXiv:1602.02282, section 2 (the generative model); Tomczak and Welling 2018,
        arXiv:1705.07120, for a learned prior of the last layer.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (12, 4),
        *,
        hidden: Sequence[int] = (64,),
        top: str | Prior | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sizes = check_widths("sizes", sizes)
        self.hidden = check_widths("hidden", hidden, fewest=0)
        self.networks = [_LayerNetwork(size, self.hidden) for size in self.sizes[:-1]]
        self.top = resolve("top", top, TOPS, Prior, optional=True)
        if self.top is not None and not _may_be_top(self.top):
            raise ValueError(
                "`top` must be a prior over real vectors that needs neither the model nor a condition, such as "
                f"RealNVP(). Received: top={type(self.top).__name__}"
            )

    def check_latent_dim(self, latent_dim: int) -> None:
        if latent_dim != sum(self.sizes):
            raise ValueError(
                f"`latent_dim` must be the sum of the sizes of the layers. Received: latent_dim={latent_dim}, "
                f"sizes={self.sizes}"
            )
        if self.top is not None:
            self.top.check_latent_dim(self.sizes[-1])

    def build(self, input_shape):
        super().build(input_shape)
        if self.top is not None:
            build_once(self.top, (None, self.sizes[-1]))
        for network, above in zip(self.networks, self.sizes[1:], strict=True):
            network.build((None, above))

    def top_down(self, level: int, above: tf.Tensor | None) -> tuple[tf.Tensor | None, tf.Tensor, tf.Tensor]:
        """Returns the features of z_(l+1), and loc and scale of p(z_l | z_(l+1)); layers are counted from 0.

        The last layer has nothing above it (`None`) and no features.
        """
        if above is None:
            return None, tf.zeros(self.sizes[-1]), tf.ones(self.sizes[-1])
        return self.networks[level](above)

    def feature_size(self, level: int) -> int:
        """Returns the number of features that `top_down` returns."""
        return self.hidden[-1] if self.hidden else self.sizes[level + 1]

    def distribution(self, context: Context = None) -> tfd.Distribution:
        top = None if self.top is None else self.top.distribution()
        return Hierarchy(self.sizes, lambda _, level, above: self.top_down(level, above)[1:], top=top)

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)  # of every layer
        top = None if self.top is None else self.top.sample(random.fork(seeds, 1), rows, None, temperature)
        return self.distribution().descend(noise, top)


class _LayerNetwork(keras.layers.Layer):
    """The network of one layer, from z_(l+1) to features, and to loc and scale of z_l."""

    def __init__(self, size, hidden, **kwargs):
        super().__init__(name="down", dtype="float32", **kwargs)
        self.layers = [keras.layers.Dense(width, "relu", dtype="float32") for width in hidden]
        self.last = keras.layers.Dense(2 * size, kernel_initializer="zeros", dtype="float32")

    def build(self, input_shape):
        for layer in (*self.layers, self.last):
            layer.build(input_shape)
            input_shape = (None, layer.units)

    def call(self, above):
        for layer in self.layers:
            above = layer(above)
        loc, raw_scale = tf.split(self.last(above), 2, axis=-1)
        return above, loc, tf.nn.softplus(raw_scale + _UNIT) + 1e-5


def _may_be_top(prior):
    needy = isinstance(prior, (ConditionalNormal, HierarchicalNormal))
    return prior.space == Real() and not needy


def layer_sizes(sizes: Sequence[int] | None, latent_dim: int | None) -> tuple[int, ...]:
    """Returns the sizes of a model's latent layers.

    Args:
        sizes: the argument of the model, or `None` for two layers, of which the upper has a quarter of the code.
        latent_dim: the argument of the model, or `None` for the sum of the sizes, or 16 without sizes.
    """
    if sizes is not None:
        return check_widths("sizes", sizes)
    latent_dim = 16 if latent_dim is None else check_size("latent_dim", latent_dim)
    upper = latent_dim // 4 or latent_dim // 2
    return tuple(size for size in (latent_dim - upper, upper) if size)
