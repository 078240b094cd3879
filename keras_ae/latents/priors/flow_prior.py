import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
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

    def distribution(self, context: tf.Tensor | None = None) -> tfd.Distribution:
        base = normals(tf.zeros(self.event_shape), 1.0)
        return Pushforward(base, self.forward, self.inverse)

    def sample(
        self, seeds: tf.Tensor, rows: tf.Tensor, context: tf.Tensor | None = None, temperature: float | tf.Tensor = 1.0
    ) -> tf.Tensor:
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return self.forward(noise)[0]
