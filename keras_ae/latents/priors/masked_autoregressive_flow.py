from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae.latents.bijectors.autoregression import Autoregression, bounded
from keras_ae.latents.priors.flow_prior import FlowPrior


@keras.saving.register_keras_serializable(package="keras_ae")
class MaskedAutoregressiveFlow(FlowPrior):
    """Masked autoregressive flow: a learned prior of maps in which value i depends on the values before it:

        e_i = exp(log_scale(z_1 ... z_(i-1))) * z_i + shift(z_1 ... z_(i-1)),  e ~ N(0, I)
        log p(z) = log N(e; 0, I) + sum log_scale

    It is more flexible than couplings. Densities take one pass, so training is fast; a sample takes D passes per map.
    It starts as the standard normal. Log-scales are bounded to [-3, 3] per map.

    Args:
        steps: number of maps; every second map runs from the last value to the first.
        hidden: hidden widths of each map's network.

    References:
        Papamakarios, Pavlakou and Murray 2017, arXiv:1705.07057, equations 3 to 5.
    """

    def __init__(self, steps: int = 2, *, hidden: Sequence[int] = (64,), **kwargs):
        super().__init__(steps, hidden, **kwargs)
        self.flow = Autoregression(self.steps, self.hidden, bounded)

    def build(self, input_shape):
        super().build(input_shape)
        self.flow.build(self.event_shape[-1])

    def forward(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        z, log_det = self.flow.invert(noise)
        return z, -log_det

    def inverse(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        noise, log_det = self.flow.transform(z)
        return noise, -log_det
