from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae.latents.bijectors.autoregression import Autoregression, gated
from keras_ae.latents.posteriors.flow_posterior import FlowPosterior
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.validation.arguments import check_size, check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class InverseAutoregressiveFlow(FlowPosterior):
    """Inverse autoregressive flow: transforms a base posterior by autoregressive maps that depend on x.

        z_0 ~ base q(z_0|x);  z_t = gate_t * z_(t-1) + (1 - gate_t) * m_t
        log q(z_T|x) = log q(z_0|x) - sum_t sum_i log gate_ti

    where m_t and the logits of gate_t come from a masked network of z_(t-1) and a context h(x): the outputs for value i
    depend on the values before it. Samples and their densities take one pass; the density of any other code is exact
    too, but takes D passes per map. `mean` is the image of the base's mean.

    Args:
        base: posterior of z_0.
        steps: number of maps, T.
        hidden: hidden widths of each map's network.
        context_size: size of the context h(x).

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=4, posterior=InverseAutoregressiveFlow(steps=2))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Kingma et al. 2016, arXiv:1606.04934, algorithm 1.
    """

    def __init__(
        self,
        base: str | Posterior = "diagonal_normal",
        *,
        steps: int = 2,
        hidden: Sequence[int] = (64,),
        context_size: int = 32,
        **kwargs,
    ):
        super().__init__(base, steps=steps, **kwargs)
        self.hidden = check_widths("hidden", hidden)
        self.context_size = check_size("context_size", context_size)
        self.flow = Autoregression(self.steps, self.hidden, gated)

    def build(self, input_shape):
        super().build(input_shape)
        self.flow.build(self.latent_dim, self.context_size)

    def _head_size(self) -> int:
        return self.context_size

    def forward(self, z: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.flow.transform(z, given)

    def inverse(self, z: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.flow.invert(z, given)
