import math

import keras
import tensorflow as tf

from keras_ae.checks import check_size
from keras_ae.objectives.objective import Objective


@keras.saving.register_keras_serializable(package="keras_ae")
class IWAE(Objective):
    """The negative importance-weighted bound, tighter than the ELBO with every sample more:

        loss = -log 1/K sum_k w_k,  log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    In expectation it falls with K, towards -log p(x); with one sample it is the negative ELBO. Gradients are those of
    the loss by reparameterisation, the standard estimator. A step decodes K samples an example, and costs K times the
    decoder.

    The rate and the distortion that are shown are means over the samples, each taken alone:

        rate = 1/K sum_k (log q(z_k|x) - log p(z_k)),  distortion = 1/K sum_k -log p(x|z_k)

    They do not depend on K in expectation, and their sum, the negative ELBO, is at least the loss.

    Args:
        num_samples: importance samples of q(z|x) an example (symbol k in Burda 2016).

    Raises:
        ValueError: at construction, for a number of samples that is not a positive integer.

    Example:
        >>> import numpy as np
        >>> import keras_ae as kae
        >>> small = kae.networks.MLP([8]), kae.networks.MLP([8])
        >>> model = kae.Autoencoder(*small, latent_dim=2, objective=IWAE(5))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0).history
        >>> history["loss"][0] <= history["rate"][0] + history["distortion"][0]
        True

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8.
    """

    terms = ("rate", "distortion")

    def __init__(self, num_samples=50, **kwargs):
        super().__init__(**kwargs)
        self.num_samples = check_size("num_samples", num_samples)

    def __call__(self, x, posterior, prior, likelihood, *, seed, step=0, weight=None):
        z, log_prob = posterior(x).experimental_sample_and_log_prob(self.num_samples, seed=seed)  # [K, B, D], [K, B]
        distortion = -likelihood(z).log_prob(x)  # [K, B]
        rate = log_prob - prior.log_prob(z)  # [K, B]
        bound = tf.reduce_logsumexp(-distortion - rate, axis=0) - math.log(self.num_samples)  # [B]
        return {"loss": -bound, "rate": tf.reduce_mean(rate, axis=0), "distortion": tf.reduce_mean(distortion, axis=0)}

    def get_config(self):
        return {**super().get_config(), "num_samples": self.num_samples}
