import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.spaces import Formula
from keras_ae.objectives.estimators.kl import sample_and_kl
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_choice, check_size


class PenalizedKL(Objective):
    """Base class of objectives that add a penalty on the KL to the reconstruction:

        loss = reconstruction + penalty(kl)
        reconstruction = E_q[-log p(x|z)],  kl = KL(q(z|x) || p(z))

    The expectation is the mean over samples of q(z|x) by reparameterization. A subclass defines `penalty`.

    Args:
        num_samples: samples of q(z|x) per example.
        kl: `"analytic"`, `"monte_carlo"` or `"auto"`, as in `ELBO`.
    """

    terms = ("kl", "reconstruction")

    @property
    def formulas(self) -> frozenset[Formula]:
        return frozenset({Formula.LOG_PROB} if self.kl == "monte_carlo" else ())

    def __init__(self, *, num_samples, kl, **kwargs):
        super().__init__(**kwargs)
        self.num_samples = check_size("num_samples", num_samples)
        self.kl = check_choice("kl", kl, ("auto", "analytic", "monte_carlo"))

    def check_parts(self, posterior: Posterior, prior: Prior | None) -> None:
        super().check_parts(posterior, prior)
        if self.kl == "analytic" and (posterior.family is None or posterior.family != prior.family):
            raise ValueError(
                '`kl="analytic"` needs a posterior and a prior with a closed form of the divergence between them: '
                f'use "auto" or "monte_carlo". Received: posterior={type(posterior).__name__}, '
                f"prior={type(prior).__name__}"
            )

    def call(self, x, posterior, prior, likelihood, step_context):
        q = posterior(x)
        z, kl = sample_and_kl(q, prior, self.num_samples, step_context.seed, self.kl)  # [K, B, D], [B]
        reconstruction = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)  # [B]
        loss = reconstruction + self.penalty(kl, q, prior, step_context.step)
        return {"loss": loss, "kl": kl, "reconstruction": reconstruction}

    def penalty(
        self, kl: tf.Tensor, posterior: tfd.Distribution, prior: tfd.Distribution, step: int | tf.Tensor
    ) -> tf.Tensor:
        """Returns the penalty, float32 tensor [B], for the KL [B]."""
        raise NotImplementedError
