import keras

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.likelihoods.learned_scale import LearnedScale, check_scale
from keras_ae.likelihoods.likelihood import tfd


@keras.saving.register_keras_serializable(package="keras_ae")
class Normal(LearnedScale):
    """Independent normal values: log p(x|z) = sum_i log N(x_i; loc_i, scale_i^2).

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each value and z).
            Learned scales are at least 0.001: below, the likelihood of constant pixels has no bound.

    References:
        Rybkin, Daniilidis and Levine 2021, arXiv:2006.13202, for learned scales.
    """

    scale = Hyperparameter(check_scale)

    def distribution(self, params):
        return self._independent(tfd.Normal(*self.loc_and_scale(params)))
