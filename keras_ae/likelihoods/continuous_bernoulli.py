import keras
import tensorflow as tf

from keras_ae.likelihoods.likelihood import Likelihood, tfd
from keras_ae.validation.arguments import Support


@keras.saving.register_keras_serializable(package="keras_ae")
class ContinuousBernoulli(Likelihood):
    """A normalized density on [0, 1]: p(x|l) = C(l) l^x (1 - l)^(1 - x), l = sigmoid(logits), for each value.

    Its mean, which `decode` gives, is not l.

    References:
        Loaiza-Ganem and Cunningham 2019, arXiv:1907.06845, equations 7 and 8.
    """

    support = Support(0.0, 1.0)

    def distribution(self, params):
        return self._independent(tfd.ContinuousBernoulli(logits=tf.cast(params, tf.float32)))
