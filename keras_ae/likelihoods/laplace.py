import keras

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.likelihoods.learned_scale import LearnedScale, check_scale
from keras_ae.likelihoods.likelihood import tfd


@keras.saving.register_keras_serializable(package="keras_ae")
class Laplace(LearnedScale):
    """Independent Laplace values: log p(x|z) = -sum_i |x_i - loc_i| / scale_i + log(2 scale_i).

    It replaces the squared error of `Normal` by the absolute error: outliers weigh less, and edges are sharper.

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number; its optimum is the mean absolute deviation)
            or `"pixel"` (learned for each value and z). Learned scales are at least 0.001.
    """

    scale = Hyperparameter(check_scale)

    def distribution(self, params):
        return self._independent(tfd.Laplace(*self.loc_and_scale(params)))
