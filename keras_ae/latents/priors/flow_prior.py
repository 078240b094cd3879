import tensorflow as tf

from keras_ae import random
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

    def forward(self, noise):
        """Returns (z, log |det dz/de|) for e [..., D]."""
        raise NotImplementedError

    def inverse(self, z):
        """Returns (e, log |det dz/de|) for z [..., D]."""
        raise NotImplementedError

    def distribution(self, context=None):
        base = normals(tf.zeros(self.event_shape), 1.0)
        return Pushforward(base, self.forward, self.inverse)

    def sample(self, seeds, rows, context=None, temperature=1.0):
        noise = random.normal(seeds, rows, self.event_shape[-1], temperature=temperature)
        return self.forward(noise)[0]

    def get_config(self):
        return {**super().get_config(), "steps": self.steps, "hidden": list(self.hidden)}
