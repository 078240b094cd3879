import keras
import tensorflow as tf

from keras_ae.likelihoods.likelihood import Likelihood, tfd
from keras_ae.validation.arguments import Support

MIN_RATE = 1e-6


def positive_rate(raw):
    """Returns softplus(raw) + 1e-6: without the minimum, a count at rate 0 would have an infinite loss."""
    return tf.nn.softplus(raw) + MIN_RATE


@keras.saving.register_keras_serializable(package="keras_ae")
class Poisson(Likelihood):
    """Independent counts: log p(x|z) = sum_i x_i log rate_i - rate_i - log x_i!, rate = softplus(raw) + 1e-6.

    For counts 0, 1, 2 ... The variance equals the mean; `NegativeBinomial` fits overdispersed counts better.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> counts = np.random.poisson(3.0, [64, 20])
        >>> model = kae.models.VAE(latent_dim=2, likelihood="poisson")
        >>> model.compile()
        >>> history = model.fit(counts, verbose=0)
    """

    discrete = True
    support = Support(0.0, float("inf"), whole=True)

    def distribution(self, params):
        return self._independent(tfd.Poisson(positive_rate(tf.cast(params, tf.float32))))
