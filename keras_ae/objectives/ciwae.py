import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.importance_weighted import ImportanceWeighted, mean_bound, normalized
from keras_ae.validation.arguments import check_number


def _check_share(argument, value):
    share = check_number(argument, value)
    if not 0 <= share <= 1:
        raise ValueError(f"`{argument}` must be in [0, 1]. Received: {argument}={value!r}")
    return share


@keras.saving.register_keras_serializable(package="keras_ae")
class CIWAE(ImportanceWeighted):
    """A weighted mean of the negative ELBO and the negative importance-weighted bound over the same samples:

        loss = -beta 1/K sum_k log w_k - (1 - beta) log 1/K sum_k w_k
        log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    The ELBO preserves the signal of the encoder's gradient, while the other bound is tighter. With beta = 0 it is
    `IWAE(K)`, with beta = 1 the ELBO with K samples. The reported KL and reconstruction are means over the samples.

    Args:
        beta: weight of the ELBO, in [0, 1] (symbol beta).
        num_samples: samples per example (symbol K).
        estimator: estimator of the encoder's gradient, as in `IWAE`. For the ELBO, the doubly reparameterized estimator
            equals sticking the landing.

    Raises:
        ValueError: for beta outside [0, 1], and as `IWAE`.

    References:
        Rainforth et al. 2018, arXiv:1802.04537, section 5, "combination importance weighted auto-encoder".
    """

    beta = Hyperparameter(_check_share)

    def __init__(self, beta=0.5, num_samples=64, *, estimator="standard", **kwargs):
        super().__init__(1, num_samples, estimator, **kwargs)
        self.beta = beta

    def bound(self, log_weights):
        return self.beta * tf.reduce_mean(log_weights, axis=0) + (1.0 - self.beta) * mean_bound(log_weights)

    def path_weights(self, log_weights):
        # The gradient of `bound` for each code already includes the factor of the denominator.
        even, share = self.beta / self.num_samples, normalized(log_weights)
        return tf.math.divide_no_nan(even + (1.0 - self.beta) * share**2, even + (1.0 - self.beta) * share)

    def get_config(self):
        return {**super().get_config(), "beta": self.beta}
