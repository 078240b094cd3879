import math

import keras
import tensorflow as tf

from keras_ae.likelihoods.levels import LogisticLevels
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.validation.arguments import Support, check_size

# exp(-7) for values in [-1, 1] in the paper's code, halved for values in [0, 1].
_MIN_SCALE = 0.5 * math.exp(-7)


def logistic_levels(raw_loc, raw_scale, levels):
    """Returns the distribution for the dense layer's output: loc = 0.5 + raw, scale = softplus(raw) + exp(-7) / 2."""
    return LogisticLevels(0.5 + raw_loc, tf.nn.softplus(raw_scale) + _MIN_SCALE, levels)


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

    def __init__(self, levels=256, **kwargs):
        super().__init__(**kwargs)
        self.levels = check_size("levels", levels, low=2)

    def distribution(self, params):
        params = tf.cast(params, tf.float32)
        return self._independent(logistic_levels(params[..., 0], params[..., 1], self.levels))

    def get_config(self):
        return {**super().get_config(), "levels": self.levels}
