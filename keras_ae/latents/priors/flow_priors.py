"""Flow priors: densities of invertible maps of standard normal noise."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.bijectors.autoregression import Autoregression, bounded
from keras_ae.latents.bijectors.coupling import Coupling
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.distributions.normals import normals
from keras_ae.latents.distributions.pushforward import Pushforward
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.validation.arguments import MAX_DEPTH, check_size, check_widths


class FlowPrior(LearnedPrior):
    """Base class of flow priors: z = f(e), e ~ N(0, I), with a learned invertible f.

    The KL divergence to it has no closed form: the objective estimates it from its samples of q(z|x). A subclass
    defines `forward` and `inverse`.

    Args:
        steps: number of flow steps.
        hidden: hidden widths of the network of each step.
    """

    def __init__(self, steps, hidden, **kwargs):
        super().__init__(**kwargs)
        self.steps = check_size("steps", steps, high=MAX_DEPTH)
        self.hidden = check_widths("hidden", hidden)

    def forward(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (z, log |det dz/de|) for e [..., D]."""
        raise NotImplementedError

    def inverse(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (e, log |det dz/de|) for z [..., D]."""
        raise NotImplementedError

    def distribution(self, context: Context = None) -> tfd.Distribution:
        base = normals(tf.zeros(self.event_shape), 1.0)
        return Pushforward(base, self.forward, self.inverse)

    def sample(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context = None, temperature: Float = 1.0) -> tf.Tensor:
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return self.forward(noise)[0]


@keras.saving.register_keras_serializable(package="keras_ae")
class RealNVP(FlowPrior):
    """RealNVP prior: a flow z = f_T(... f_1(e)), e ~ N(0, I), of affine couplings that each transform half of z:

        z'_b = exp(log_scale(z_a)) * z_b + shift(z_a),  log p(z) = log N(e; 0, I) - sum log_scale

    Samples and densities both take one pass. It starts near the standard normal. Log-scales are bounded to [-3, 3] per
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


@keras.saving.register_keras_serializable(package="keras_ae")
class MaskedAutoregressiveFlow(FlowPrior):
    """Masked autoregressive flow: a learned prior of maps in which value i depends on the values before it:

        e_i = exp(log_scale(z_1 ... z_(i-1))) * z_i + shift(z_1 ... z_(i-1)),  e ~ N(0, I)
        log p(z) = log N(e; 0, I) + sum log_scale

    It is more flexible than couplings. Densities take one pass, so training is fast; a sample takes D passes per map.
    It starts near the standard normal. Log-scales are bounded to [-3, 3] per map.

    Args:
        steps: number of maps, T; every second map runs from the last value to the first. With two, training does not
            leave the normal density for clusters along an axis.
        hidden: hidden widths of each map's network.

    References:
        Papamakarios, Pavlakou and Murray 2017, arXiv:1705.07057, equations 3 to 5.
    """

    def __init__(self, steps: int = 3, *, hidden: Sequence[int] = (64,), **kwargs):
        super().__init__(steps, hidden, **kwargs)
        self.flow = Autoregression(self.steps, self.hidden, bounded, zero=False)

    def build(self, input_shape):
        super().build(input_shape)
        self.flow.build(self.event_shape[-1])

    def forward(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        z, log_det = self.flow.invert(noise)
        return z, -log_det

    def inverse(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        noise, log_det = self.flow.transform(z)
        return noise, -log_det
