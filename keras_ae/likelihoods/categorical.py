import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.likelihoods.levels import CategoricalLevels
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.validation.arguments import Support, check_size


# Registered under a distinct name: the condition is called Categorical too.
@keras.saving.register_keras_serializable(package="keras_ae", name="CategoricalLikelihood")
class Categorical(Likelihood):
    """Independent values on evenly spaced levels in [0, 1], with free probabilities: P(x_i = k/(L-1)|z) = softmax_k.

    Data are in [0, 1], as for every image: category k of 0 ... L - 1 is the value k / (L - 1), so the mean is an image
    too. Values between two levels count as the nearer level. It has L parameters per value: for the 256 levels of 8-bit
    images, `DiscretizedLogisticMixture` needs far fewer.

    Args:
        levels: number of levels, L; 2 gives the Bernoulli distribution.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> grades = np.random.randint(0, 4, [64, 20])  # 0, 1, 2, 3
        >>> model = kae.models.VAE(latent_dim=2, likelihood=Categorical(levels=4))
        >>> model.compile()
        >>> history = model.fit(grades / 3, verbose=0)

    References:
        van den Oord, Kalchbrenner and Kavukcuoglu 2016, arXiv:1601.06759, for pixels as categories.
    """

    discrete = True
    support = Support(0.0, 1.0)

    def __init__(self, levels: int = 256, **kwargs):
        super().__init__(**kwargs)
        self.levels = check_size("levels", levels, low=2)
        self.parameters_per_value = self.levels

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        return self._independent(CategoricalLevels(tf.cast(params, tf.float32)))

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return tf.zeros_like(x)
