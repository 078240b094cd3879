import keras
import tensorflow as tf

from keras_ae.likelihoods.discretized_logistic import logistic_levels
from keras_ae.likelihoods.levels import Shares, softmax
from keras_ae.likelihoods.likelihood import Likelihood, tfd
from keras_ae.validation.arguments import Support, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class DiscretizedLogisticMixture(Likelihood):
    """Independent values on evenly spaced levels in [0, 1], each a mixture of discretized logistic distributions:

        P(x_i|z) = sum_k w_ik P(x_i; loc_ik, scale_ik),  with the P of `DiscretizedLogistic`

    A mixture can express "either black or white, never gray". Every channel has a separate mixture, without the paper's
    autoregression over colors. The components start evenly spread over [0, 1].

    Args:
        components: number of mixture components per value, K.
        levels: number of levels, 256 for 8-bit images.

    References:
        Salimans et al. 2017, arXiv:1701.05517, equations 1 and 2.
    """

    discrete = True
    support = Support(0.0, 1.0)

    def __init__(self, components=5, *, levels=256, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)
        self.levels = check_size("levels", levels, low=2)
        self.parameters_per_value = 3 * self.components

    def distribution(self, params):
        logits, components = self._split(params)
        return self._independent(tfd.MixtureSameFamily(Shares(logits=logits), components))

    def mean(self, params):
        logits, components = self._split(params)
        return tf.reduce_sum(softmax(logits) * components.mean(), axis=-1)

    def _split(self, params):
        """Returns the logits of the mixture weights and the components: [..., *event, K] each."""
        logits, raw_loc, raw_scale = tf.split(tf.cast(params, tf.float32), 3, axis=-1)
        spread = (tf.range(self.components, dtype=tf.float32) + 0.5) / self.components - 0.5
        return logits, logistic_levels(raw_loc + spread, raw_scale, self.levels)

    def get_config(self):
        return {**super().get_config(), "components": self.components, "levels": self.levels}
