from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae.latents.bijectors.coupling import Coupling
from keras_ae.latents.priors.flow_prior import FlowPrior


@keras.saving.register_keras_serializable(package="keras_ae")
class RealNVP(FlowPrior):
    """RealNVP prior: a flow z = f_T(... f_1(e)), e ~ N(0, I), of affine couplings that each transform half of z:

        z'_b = exp(log_scale(z_a)) * z_b + shift(z_a),  log p(z) = log N(e; 0, I) - sum log_scale

    Samples and densities both take one pass. It starts as the standard normal. Log-scales are bounded to [-3, 3] per
    map.

    Args:
        steps: number of couplings, T; four couplings transform every value twice.
        hidden: hidden widths of each coupling's network.

    References:
        Dinh, Sohl-Dickstein and Bengio 2017, arXiv:1605.08803, equations 4 to 8.
    """

    def __init__(self, steps: int = 4, *, hidden: Sequence[int] = (64,), **kwargs):
        super().__init__(steps, hidden, **kwargs)
        self.couplings = [Coupling(self.hidden, number) for number in range(self.steps)]

    def check_latent_dim(self, latent_dim: int) -> None:
        if latent_dim < 2:
            raise ValueError(f"`latent_dim` must be >= 2 for couplings. Received: latent_dim={latent_dim}")

    def build(self, input_shape):
        super().build(input_shape)
        for coupling in self.couplings:
            coupling.build(self.event_shape[-1])

    def forward(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        z, log_det = noise, 0.0
        for coupling in self.couplings:
            z, change = coupling.transform(z)
            log_det += change
        return z, log_det

    def inverse(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        noise, log_det = z, 0.0
        for coupling in reversed(self.couplings):
            noise, change = coupling.invert(noise)
            log_det += change
        return noise, log_det
