import functools

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.batch_weights import shares
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_number

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="keras_ae")
class VectorQuantization(Objective):
    """Reconstruction and commitment loss for a `VectorQuantizer` or a `ResidualVectorQuantizer`:

        loss = reconstruction + kl + codebook_error + commitment_weight * commitment
        kl = KL(q(k|x) || p(k)) = -log p(k(x)),  k the numbers of the entries
        codebook_error = |sg(z_e) - z_q|^2,  commitment = |z_e - sg(z_q)|^2

    sg stops gradients. The KL is there where the model has a prior, `AutoregressivePrior`; its gradient reaches the
    prior alone. Where the codebook learns as moving averages, the codebook error is left out. The perplexity that is
    shown is the number of entries in use: exp of the entropy of those of a batch. Of several codebooks that follow each
    other, the errors are sums over the z_q up to each of them, and the perplexity is the mean. With sample
    weights, what is shown is multiplied by their mean, as every term of a loss.

    Args:
        commitment_weight: >= 0 (symbol beta): how much the encoder is held to its entry.

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, equation 3; section 3.1 for the KL.
    """

    terms = ("reconstruction", "commitment", "perplexity")
    needs_prior = False
    trains_prior = True
    needs_density = False

    commitment_weight = Hyperparameter(functools.partial(check_number, low=0.0))

    def __init__(self, commitment_weight=0.25, **kwargs):
        super().__init__(**kwargs)
        self.commitment_weight = commitment_weight

    def terms_with(self, prior):
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

    def get_config(self):
        return {**super().get_config(), "commitment_weight": self.commitment_weight}
