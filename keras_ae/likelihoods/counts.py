"""Likelihoods of counts."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.likelihoods.location_scale import LocationScale, check_scale
from keras_ae.likelihoods.softplus import softplus
from keras_ae.validation.arguments import Support

_MIN_RATE = 1e-6  # without it, a count at rate 0 would have an infinite loss


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

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        return self._independent(tfd.Poisson(_positive_rate(tf.cast(params, tf.float32))))

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return tf.math.xlogy(x, x) - x - tf.math.lgamma(x + 1.0)


@keras.saving.register_keras_serializable(package="keras_ae")
class NegativeBinomial(LocationScale):
    """Independent overdispersed counts, with more variance than the Poisson distribution:

        p(x|z) = Gamma(x + r) / (Gamma(r) x!) * (r / (r + rate))^r * (rate / (r + rate))^x
        mean = rate = softplus(raw) + 1e-6,  variance = rate + rate^2 / r

    Args:
        concentration: r, a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each
            value and z). The larger, the closer to `Poisson`.

    References:
        Lopez et al. 2018, "Deep generative modeling for single-cell transcriptomics", Nature Methods 15, for gene
        counts.
    """

    discrete = True
    support = Support(0.0, float("inf"), whole=True)

    concentration = Hyperparameter(check_scale)

    def __init__(self, concentration: float | str = "shared", **kwargs):
        self.concentration = concentration
        super().__init__(**kwargs)

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        raw, concentration = self.loc_and_scale(params)
        logits = tf.math.log(_positive_rate(raw)) - tf.math.log(concentration)
        return self._independent(_NegativeBinomial(concentration, logits=logits))

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        r = self.loc_and_scale(params)[1]
        ratio = tf.maximum(x / r, 1e-30)  # of which the logarithm is finite, also for x = 0
        at_mean = tf.math.xlogy(x, x / (r + x)) - r * softplus(tf.math.log(ratio))  # log(1 + x / r)
        return at_mean - _log_normalizer(x, r)

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        return _positive_rate(self.loc_and_scale(params)[0])

    def _argument(self):
        return "concentration", self.concentration


class _NegativeBinomial(tfd.NegativeBinomial):
    """TFP's, whose log-probability keeps its digits in LiteRT, too: both logarithms of sigmoids are `softplus`."""

    def _log_prob(self, x):
        total, logits = tf.convert_to_tensor(self.total_count), self.logits_parameter()
        return -total * softplus(logits) - x * softplus(-logits) - _log_normalizer(x, total)


def _log_normalizer(x, r):
    """log(Gamma(r) x! / Gamma(x + r)): the same operations wherever it cancels, as in a deviance."""
    return tfp.math.lbeta(1.0 + x, r) + tf.math.log(r + x)


def _positive_rate(raw):
    return softplus(raw) + _MIN_RATE
