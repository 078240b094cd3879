import functools

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.priors.prior import Prior
from keras_ae.objectives.estimators.batch_weights import shares
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_number


@keras.saving.register_keras_serializable(package="keras_ae")
class VectorQuantization(Objective):
    """Reconstruction and commitment loss for a `VectorQuantizer` or a `ResidualVectorQuantizer`:

        loss = reconstruction + kl + codebook_error + commitment_weight * commitment
        kl = KL(q(k|x) || p(k)) = -log p(k(x)),  k the indices of the entries
        codebook_error = |sg(z_e) - z_q|^2,  commitment = |z_e - sg(z_q)|^2

    sg stops gradients. The KL is part of the loss if the model has a prior, `AutoregressivePrior`; its gradient reaches
    only the prior. The codebook error is 0 if the codebook learns by moving averages. The perplexity, exp of the
    entropy of entry usage in a batch, is the effective number of entries in use. With several codebooks in sequence,
    the errors are sums over the partial sums z_q, and the perplexity is the mean over codebooks. With sample weights,
    the reported perplexity is multiplied by their mean, as every term of a loss.

    Args:
        commitment_weight: weight of the commitment, >= 0 (symbol beta).

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, equation 3; section 3.1 for the KL.
    """

    terms = ("reconstruction", "commitment", "perplexity")
    needs_prior = False
    trains_prior = True
    needs_density = False

    commitment_weight = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(self, commitment_weight: float = 0.25, **kwargs):
        super().__init__(**kwargs)
        self.commitment_weight = commitment_weight

    def terms_with(self, prior: Prior | None) -> tuple[str, ...]:
        return self.terms if prior is None else ("reconstruction", "kl", "commitment", "perplexity")

    def call(self, x, posterior, prior, likelihood, step_context):
        q = posterior(x)
        reconstruction = -likelihood(q.sample(1, seed=step_context.seed)).log_prob(x)[0]  # [B]
        commitment = q.commitment()
        loss = reconstruction + q.codebook_error() + self.commitment_weight * commitment
        perplexity = tf.fill(tf.shape(loss), q.perplexity(shares(step_context.weight, tf.shape(loss)[0])))
        terms = {"loss": loss, "reconstruction": reconstruction, "commitment": commitment, "perplexity": perplexity}
        if prior is None:
            return terms
        kl = tfd.kl_divergence(q, prior)
        return {**terms, "loss": loss + kl, "kl": kl}
