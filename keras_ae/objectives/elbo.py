import numbers

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.checks import check_size
from keras_ae.objectives.objective import Objective


@keras.saving.register_keras_serializable(package="keras_ae")
class ELBO(Objective):
    """The negative evidence lower bound, with a weight on the rate:

        loss = distortion + beta * rate
        distortion = E_q[-log p(x|z)],  rate = KL(q(z|x) || p(z))

    The expectation is the mean over samples of q(z|x) by reparameterisation.

    Args:
        beta: weight of the rate, >= 0; 1 gives the bound itself (symbol beta in Higgins 2017).
        num_samples: samples of q(z|x) an example (symbol L in Kingma and Welling).
        rate: `"analytic"` for the closed form, `"monte_carlo"` for the mean of log q(z|x) - log p(z) over the same
            samples, `"auto"` for the closed form where TFP has one for the pair of distributions, else Monte Carlo.

    Raises:
        ValueError: at construction, for arguments out of range.
        NotImplementedError: at the first step, where `rate="analytic"` and there is no closed form.

    References:
        Kingma and Welling 2014, arXiv:1312.6114, equation 7; Higgins et al. 2017, equation 4, for beta.
    """

    terms = ("rate", "distortion")

    def __init__(self, beta=1.0, *, num_samples=1, rate="auto", **kwargs):
        super().__init__(**kwargs)
        if not isinstance(beta, numbers.Real) or not 0 <= beta < float("inf"):
            raise ValueError(f"`beta` must be a finite number >= 0. Received: beta={beta!r}")
        if rate not in ("auto", "analytic", "monte_carlo"):
            raise ValueError(f'`rate` must be "auto", "analytic" or "monte_carlo". Received: rate={rate!r}')
        self.beta = float(beta)
        self.num_samples = check_size("num_samples", num_samples)
        self.rate = rate

    def __call__(self, x, posterior, prior, likelihood, *, seed, step=0):
        z = posterior.sample(self.num_samples, seed=seed)  # [K, B, D]
        distortion = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)  # [B]
        rate = self._rate(posterior, prior, z)  # [B]
        return {"loss": distortion + self.beta * rate, "rate": rate, "distortion": distortion}

    def get_config(self):
        config = {"beta": self.beta, "num_samples": self.num_samples, "rate": self.rate}
        return {**super().get_config(), **config}

    def _rate(self, posterior, prior, z):
        if self.rate != "monte_carlo":
            try:
                return tfp.distributions.kl_divergence(posterior, prior)
            except NotImplementedError:
                if self.rate == "analytic":
                    raise
        return tf.reduce_mean(posterior.log_prob(z) - prior.log_prob(z), axis=0)
