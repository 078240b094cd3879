import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import CodeDistribution, Float
from keras_ae.latents.distributions.hierarchy import Hierarchy
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.spaces import Formula
from keras_ae.step_context import INFERENCE, StepContext


class HierarchicalPosterior(Posterior):
    """Base class of posteriors over hierarchical codes z = (z_1 ... z_L), drawn from the last layer to the first:

        q(z|x) = q(z_L|x) prod_(l < L) q(z_l | z_(l+1), x)

    The prior, a `HierarchicalNormal`, determines the layers; it shares its networks from z_(l+1) to z_l (`bind`) and
    owns their weights. A subclass defines `layer`.
    """

    formulas = frozenset({Formula.LOG_PROB, Formula.KL})

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.sizes = self._top_down = self._feature_size = None

    def bind(self, prior: CodeDistribution) -> None:
        if self._top_down not in (None, prior.top_down):
            raise ValueError(f"{type(self).__name__} must not be shared by two models: create one for each.")
        self.sizes, self._top_down, self._feature_size = prior.sizes, prior.top_down, prior.feature_size

    def _check_sized(self) -> None:
        super()._check_sized()
        if self.sizes is None:
            name = type(self).__name__
            raise ValueError(f"{name} shares the networks of its prior: it must be part of a model that is built.")

    def layer(self, params: tf.Tensor, level: int, above: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns loc and scale of q(z_l | z_(l+1), x), [..., B, size] each; layers are counted from 0.

        Args:
            params: output of `call`, [B, P], in float32.
            level: index of the layer.
            above: z_(l+1) [..., B, size above], or `None` for the last layer.
        """
        raise NotImplementedError

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        return Hierarchy(self.sizes, self.layer, tf.cast(params, tf.float32))

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        noise = random.normal(seeds, rows, sum(self.sizes), temperature=temperature)  # of every layer
        return self.distribution(params).descend(noise)

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the path of conditional means, [B, D]: each layer's mean, given the mean of the layer above.

        The mean of q(z|x) has no closed form: `distribution(params).mean()` raises `NotImplementedError`.
        """
        noise = tf.zeros(tf.concat([tf.shape(params)[:-1], [sum(self.sizes)]], axis=0))
        return self.distribution(params).descend(noise)
