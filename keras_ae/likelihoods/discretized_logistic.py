import math

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.likelihoods.levels import LogisticLevels, MixtureWeights, softmax
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.likelihoods.softplus import softplus
from keras_ae.validation.arguments import Support, check_size

# exp(-7) for values in [-1, 1] in the code of Salimans 2017, halved for values in [0, 1].
_MIN_SCALE = 0.5 * math.exp(-7)


@keras.saving.register_keras_serializable(package="keras_ae")
class DiscretizedLogistic(Likelihood):
    """Independent logistic values, rounded to evenly spaced levels in [0, 1], with exact probabilities of the levels.

        P(x_i|z) = sigmoid((x_i + h - loc_i) / scale_i) - sigmoid((x_i - h - loc_i) / scale_i)

    where h is half the distance between two levels; the outer levels include the tails. For 8-bit images divided by
    255, -log2 P divided by the number of values is the "bits per dimension" of the literature. Values between two
    levels count as the nearer level. The mean is the mean of the logistic variable clipped to [0, 1], which differs
    from the mean over levels by at most half a level.

    Args:
        levels: number of levels: 256 for 8-bit images, 17 for scikit-learn's digits.

    References:
        Salimans et al. 2017, arXiv:1701.05517, equation 2, here with one component; Kingma et al. 2016,
        arXiv:1606.04934, for the likelihood without a mixture.
    """

    parameters_per_value = 2
    discrete = True
    support = Support(0.0, 1.0)

    def __init__(self, levels: int = 256, **kwargs):
        super().__init__(**kwargs)
        self.levels = check_size("levels", levels, low=2)

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        params = tf.cast(params, tf.float32)
        return self._independent(_logistic_levels(params[..., 0], params[..., 1], self.levels))

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        scale = softplus(tf.cast(params, tf.float32)[..., 1]) + _MIN_SCALE
        index = tf.round(x * (self.levels - 1))
        outer = (index == 0) | (index == self.levels - 1)
        # A centered logistic: sigmoid(h / s) - sigmoid(-h / s) = tanh(h / (2 s)).
        return tf.where(outer, 0.0, tf.math.log(tf.tanh(0.25 / ((self.levels - 1) * scale))))


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

    def __init__(self, components: int = 5, *, levels: int = 256, **kwargs):
        super().__init__(**kwargs)
        self.components = check_size("components", components)
        self.levels = check_size("levels", levels, low=2)
        self.parameters_per_value = 3 * self.components

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        logits, components = self._split(params)
        return self._independent(tfd.MixtureSameFamily(MixtureWeights(logits=logits), components))

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        logits, components = self._split(params)
        return tf.reduce_sum(softmax(logits) * components.mean(), axis=-1)

    def _split(self, params):
        """Returns the logits of the mixture weights and the components: [..., *event, K] each."""
        logits, raw_loc, raw_scale = tf.split(tf.cast(params, tf.float32), 3, axis=-1)
        spread = (tf.range(self.components, dtype=tf.float32) + 0.5) / self.components - 0.5
        return logits, _logistic_levels(raw_loc + spread, raw_scale, self.levels)


def _logistic_levels(raw_loc, raw_scale, levels):
    """Returns the distribution for the dense layer's output: loc = 0.5 + raw, scale = softplus(raw) + exp(-7) / 2."""
    return LogisticLevels(0.5 + raw_loc, softplus(raw_scale) + _MIN_SCALE, levels)
