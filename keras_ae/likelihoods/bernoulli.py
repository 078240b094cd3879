import keras
import tensorflow as tf

from keras_ae.checks import Support
from keras_ae.likelihoods.likelihood import Likelihood, tfd


@keras.saving.register_keras_serializable(package="keras_ae")
class Bernoulli(Likelihood):
    """Independent Bernoulli values: log p(x|z) = sum_i x_i log m_i + (1 - x_i) log(1 - m_i), m = sigmoid(logits).

    For binary data this is a probability. For grey values in [0, 1] it is the customary cross-entropy, which is not a
    normalised density: choose `ContinuousBernoulli` for one.

    References:
        Kingma and Welling 2014, arXiv:1312.6114, appendix C.1.
    """

    support = Support(0.0, 1.0)

    def distribution(self, params):
        # float32, because the default dtype, int32, would truncate grey values to 0.
        return self._independent(tfd.Bernoulli(logits=tf.cast(params, tf.float32), dtype=tf.float32))
