import keras
import tensorflow as tf

from keras_ae.latents.distributions.pushforward import Pushforward
from keras_ae.latents.posteriors.diagonal_normal import DiagonalNormal
from keras_ae.latents.posteriors.full_covariance_normal import FullCovarianceNormal
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.parts import build_part
from keras_ae.registry import resolve
from keras_ae.validation.arguments import MAX_DEPTH, check_size

_BASES = {"diagonal_normal": DiagonalNormal, "full_covariance_normal": FullCovarianceNormal}


class FlowPosterior(Posterior):
    """Base of the posteriors that bend another one: z = f(z_0), z_0 ~ base q(z_0|x), with f one to one.

    The parameters are those of the base, followed by what f is told of x. A subclass gives `flow_size`, `forward` and
    `inverse`.

    Args:
        base: `"diagonal_normal"`, `"full_covariance_normal"` or a `Posterior` over real vectors.
        steps: how many maps are chained.
    """

    has_scale = False
    has_mean = False
    has_covariance = False

    def __init__(self, base="diagonal_normal", *, steps, **kwargs):
        super().__init__(**kwargs)
        self.base = resolve("base", base, _BASES, Posterior)
        if getattr(self.base, "space", None) != self.space or self.base.needs_layers:
            raise ValueError(f"`base` must be a posterior over {self.space}, not in layers. Received: base={base!r}")
        self.steps = check_size("steps", steps, high=MAX_DEPTH)
        self.has_draw = self.base.has_draw

    def check_latent_dim(self, latent_dim):
        self.base.check_latent_dim(latent_dim)

    def build(self, input_shape, event_shape):
        super().build(input_shape, event_shape)
        build_part(self.base, input_shape, self.event_shape)

    def call(self, features):
        return tf.concat([self.base(features), super().call(features)], axis=-1)

    def parameter_size(self, latent_dim):
        return self.flow_size(latent_dim)  # of the dense layer of this class: the base has its own

    def flow_size(self, latent_dim):
        """The number of values that f is told of x."""
        raise NotImplementedError

    def forward(self, z, told):
        """(f(z), log |det df/dz|) for z [..., B, D] and what f is told of x, [B, flow_size]."""
        raise NotImplementedError

    def inverse(self, z, told):
        """(f^-1(z), log |det df/dz|), the determinant at f^-1(z)."""
        raise NotImplementedError

    def distribution(self, params, step=0):
        base, told = self._split(params)
        return Pushforward(self.base.distribution(base, step), self.forward, self.inverse, told)

    def draw(self, params, seeds, rows, temperature=1.0):
        base, told = self._split(params)
        return self.forward(self.base.draw(base, seeds, rows, temperature), told)[0]

    def mean(self, params):
        """f of the mean of the base, [B, D]: the mean of q(z|x) itself has no formula."""
        base, told = self._split(params)
        return self.forward(self.base.mean(base), told)[0]

    def get_config(self):
        return {**super().get_config(), "base": keras.saving.serialize_keras_object(self.base), "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "base": keras.saving.deserialize_keras_object(config["base"])})

    def _split(self, params):
        size = self.flow_size(self.event_shape[0])
        params = tf.cast(params, tf.float32)
        return params[..., :-size], params[..., -size:]
