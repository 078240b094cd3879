import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.distributions.pushforward import Pushforward
from keras_ae.latents.posteriors.diagonal_normal import DiagonalNormal
from keras_ae.latents.posteriors.full_covariance_normal import FullCovarianceNormal
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.spaces import Formula
from keras_ae.parts import build_once
from keras_ae.registry import resolve
from keras_ae.step_context import INFERENCE, StepContext
from keras_ae.validation.arguments import MAX_DEPTH, check_size

_BASES = {"diagonal_normal": DiagonalNormal, "full_covariance_normal": FullCovarianceNormal}


class FlowPosterior(Posterior):
    """Base class of flow posteriors: z = f(z_0), z_0 ~ base q(z_0|x), with an invertible f.

    The parameters are the base's parameters, followed by f's parameters for x. A subclass defines `_head_size`,
    `forward` and `inverse`.

    Args:
        base: `"diagonal_normal"`, `"full_covariance_normal"` or a `Posterior` over real vectors.
        steps: number of flow steps.
    """

    formulas = frozenset({Formula.LOG_PROB, Formula.KL})

    def __init__(self, base: str | Posterior = "diagonal_normal", *, steps, **kwargs):
        super().__init__(**kwargs)
        self.base = resolve("base", base, _BASES, Posterior)
        if self.base.space != self.space or isinstance(self.base, HierarchicalPosterior):
            raise ValueError(
                f"`base` must be a posterior over {self.space}, and not hierarchical. Received: base={base!r}"
            )
        self.steps = check_size("steps", steps, high=MAX_DEPTH)

    def check_latent_dim(self, latent_dim: int) -> None:
        self.base.check_latent_dim(latent_dim)

    def build(self, input_shape):
        super().build(input_shape)
        self.base.set_latent_dim(self.latent_dim)
        build_once(self.base, input_shape)

    def call(self, features, step_context: StepContext = INFERENCE):
        base = tf.cast(self.base(features, step_context=step_context), self.compute_dtype)
        return tf.concat([base, super().call(features, step_context)], axis=-1)

    def output_size(self) -> int:
        self.base.set_latent_dim(self.latent_dim)
        return self.base.output_size() + self._head_size()

    def _head_size(self) -> int:
        """The number of parameters of f for each x; the base has a separate dense layer."""
        raise NotImplementedError

    def forward(self, z: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (f(z), log |det df/dz|) for z [..., B, D] and the parameters of f [B, `_head_size`]."""
        raise NotImplementedError

    def inverse(self, z: tf.Tensor, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (f^-1(z), log |det df/dz|), with the determinant at f^-1(z)."""
        raise NotImplementedError

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        base, given = self._split(params)
        return Pushforward(self.base.distribution(base, step_context), self.forward, self.inverse, given)

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        base, given = self._split(params)
        return self.forward(self.base.draw(base, seeds, rows, temperature), given)[0]

    def draw_and_log_prob(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Without the inverse of f, which may cost more.
        base, given = self._split(params)
        z, log_prob = self.base.draw_and_log_prob(base, seeds, rows)
        z, log_det = self.forward(z, given)
        return z, log_prob - log_det

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns f of the base's mean, [B, D]; the mean of q(z|x) has no closed form."""
        base, given = self._split(params)
        return self.forward(self.base.mean(base), given)[0]

    def _split(self, params):
        size = self._head_size()
        params = tf.cast(params, tf.float32)
        return params[..., :-size], params[..., -size:]
