import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.spaces import AnySpace, Formula, UnitInterval
from keras_ae.networks.building import check_activation
from keras_ae.step_context import INFERENCE, StepContext


@keras.saving.register_keras_serializable(package="keras_ae")
class Deterministic(Posterior):
    """A point mass: z is a function of x, as in a plain autoencoder. It has no density and no KL.

    Args:
        activation: Keras name of the code's activation, such as `"sigmoid"` for codes in (0, 1); `None` for none.
    """

    space = AnySpace()
    formulas = frozenset({Formula.MEAN, Formula.COVARIANCE, Formula.LOG_PROB})

    def __init__(self, activation: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.activation = activation if activation is None else check_activation(activation)
        if activation == "sigmoid":
            self.space = UnitInterval()

    def call(self, features, step_context: StepContext = INFERENCE):
        return keras.activations.get(self.activation)(super().call(features, step_context))

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        return _Point(tf.cast(params, tf.float32))

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        return self.mean(params)


class _Point(tfp.distributions.VectorDeterministic):
    """TFP's distribution, with a covariance."""

    def _covariance(self):
        return tf.linalg.diag(self.variance())
