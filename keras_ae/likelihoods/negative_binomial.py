import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.likelihoods.learned_scale import LearnedScale, check_scale
from keras_ae.likelihoods.likelihood import tfd
from keras_ae.likelihoods.poisson import positive_rate
from keras_ae.validation.arguments import Support


@keras.saving.register_keras_serializable(package="keras_ae")
class NegativeBinomial(LearnedScale):
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

    argument = "concentration"
    discrete = True
    support = Support(0.0, float("inf"), whole=True)

    concentration = Hyperparameter(check_scale)

    def __init__(self, concentration="shared", **kwargs):
        super().__init__(concentration, **kwargs)

    def distribution(self, params):
        raw, concentration = self.loc_and_scale(params)
        logits = tf.math.log(positive_rate(raw)) - tf.math.log(concentration)
        return self._independent(tfd.NegativeBinomial(concentration, logits=logits))

    def mean(self, params):
        return positive_rate(self.loc_and_scale(params)[0])
