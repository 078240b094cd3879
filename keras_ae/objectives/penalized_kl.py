import tensorflow as tf

from keras_ae.latents.spaces import Formula
from keras_ae.objectives.kl import sample_and_rate
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_choice, check_size


class RateDistortion(Objective):
    """Base of the objectives that weigh what a code costs against what it leaves out:

        loss = distortion + penalty(rate)
        distortion = E_q[-log p(x|z)],  rate = KL(q(z|x) || p(z))

    The expectation is the mean over samples of q(z|x) by reparameterisation. A subclass gives `penalty`.

    Args:
        num_samples: samples of q(z|x) an example.
        rate: `"analytic"`, `"monte_carlo"` or `"auto"`, as in `ELBO`.
    """

    terms = ("rate", "distortion")

    @property
    def formulas(self):
        return frozenset({Formula.LOG_PROB} if self.rate == "monte_carlo" else ())

    def __init__(self, *, num_samples, rate, **kwargs):
        super().__init__(**kwargs)
        self.num_samples = check_size("num_samples", num_samples)
        self.rate = check_choice("rate", rate, ("auto", "analytic", "monte_carlo"))

    def check_parts(self, posterior, prior):
        super().check_parts(posterior, prior)
        if self.rate == "analytic" and (posterior.family is None or posterior.family != prior.family):
            raise ValueError(
                '`rate="analytic"` needs a posterior and a prior with a closed form of the divergence between them: '
                f'take "auto" or "monte_carlo". Received: posterior={type(posterior).__name__}, '
                f"prior={type(prior).__name__}"
            )

    def __call__(self, x, posterior, prior, likelihood, *, seed, step=0, weight=None):
        q = posterior(x)
        z, rate = sample_and_rate(q, prior, self.num_samples, seed, self.rate)  # [K, B, D], [B]
        distortion = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)  # [B]
        loss = distortion + self.penalty(rate, q, prior, step)
        return {"loss": loss, "rate": rate, "distortion": distortion}

    def penalty(self, rate, posterior, prior, step):
        """What the loss adds to the distortion: float32 tensor [B], from the rate [B]."""
        raise NotImplementedError

    def get_config(self):
        return {**super().get_config(), "num_samples": self.num_samples, "rate": self.rate}
