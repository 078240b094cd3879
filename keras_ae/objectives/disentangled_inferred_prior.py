import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.blocks import Blocks, exact
from keras_ae.latents.spaces import Formula
from keras_ae.objectives.estimators.batch_weights import shares, to_rows
from keras_ae.objectives.estimators.kl import is_product
from keras_ae.objectives.penalized_kl import PenalizedKL
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_choice

_RATIOS = {"I": 10.0, "II": 1.0}  # ratio of the two weights in the paper's experiments


@keras.saving.register_keras_serializable(package="keras_ae")
class DisentangledInferredPrior(PenalizedKL):
    """The negative ELBO, with a penalty that regularizes the covariance of the codes toward the identity:

        loss = reconstruction + kl + off_diagonal_weight * off_diagonal + diagonal_weight * diagonal
        off_diagonal = sum_{i != j} C_ij^2,  diagonal = sum_i (C_ii - 1)^2

        "I"   C = Cov_x[E_q[z|x]]
        "II"  C = Cov_x[E_q[z|x]] + E_x[Cov_q[z|x]], the covariance of q(z)

    Means and covariances over x are over the batch, weighted by its examples; the covariance divides by the sum of the
    weights, without Bessel's correction.

    Args:
        variant: `"I"` or `"II"`.
        off_diagonal_weight: a number >= 0 or a schedule (symbol lambda_od in Kumar 2018).
        diagonal_weight: likewise (symbol lambda_d); `None` for 10 times the other weight with `"I"`, and the same
            weight with `"II"`.
        num_samples, kl: as in `ELBO`.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior without a closed-form mean,
            or covariance for "II".

    Example:
        >>> import keras_ae as kae
        >>> objective = DisentangledInferredPrior("II", off_diagonal_weight=5.0)
        >>> model = kae.models.VAE(latent_dim=4, objective=objective)

    References:
        Kumar, Sattigeri and Balakrishnan 2018, arXiv:1711.00848, equations 6 and 7.
    """

    terms = ("kl", "reconstruction", "off_diagonal", "diagonal")
    scheduled = ("off_diagonal_weight", "diagonal_weight")

    off_diagonal_weight = Hyperparameter(check_value)
    diagonal_weight = Hyperparameter(check_value)

    def __init__(
        self,
        variant: str = "I",
        off_diagonal_weight: FloatOrSchedule = 10.0,
        diagonal_weight: FloatOrSchedule | None = None,
        *,
        num_samples: int = 1,
        kl: str = "auto",
        **kwargs,
    ):
        super().__init__(num_samples=num_samples, kl=kl, **kwargs)
        self.variant = check_choice("variant", variant, _RATIOS)
        self.off_diagonal_weight = off_diagonal_weight
        if diagonal_weight is None:
            if not isinstance(self.off_diagonal_weight, float):
                raise ValueError("`diagonal_weight` must be given if `off_diagonal_weight` is a schedule.")
            diagonal_weight = _RATIOS[variant] * self.off_diagonal_weight
        self.diagonal_weight = diagonal_weight

    def call(self, x, posterior, prior, likelihood, step_context):
        terms = super().call(x, posterior, prior, likelihood, step_context)
        covariance = self.covariance(exact(posterior(x)), step_context.weight)
        variance = tf.linalg.diag_part(covariance)
        off_diagonal = tf.reduce_sum(tf.square(covariance - tf.linalg.diag(variance)))
        diagonal = tf.reduce_sum(tf.square(variance - 1.0))
        loss = terms["loss"] + value_at(self.off_diagonal_weight, step_context.step) * off_diagonal
        loss += value_at(self.diagonal_weight, step_context.step) * diagonal
        statistics = {"off_diagonal": off_diagonal, "diagonal": diagonal}
        return {**terms, "loss": loss, **{name: to_rows(value, loss) for name, value in statistics.items()}}

    @property
    def formulas(self) -> frozenset[Formula]:
        moments = {Formula.MEAN, Formula.COVARIANCE} if self.variant == "II" else {Formula.MEAN}
        return super().formulas | moments

    def penalty(
        self, kl: tf.Tensor, posterior: tfd.Distribution, prior: tfd.Distribution, step: int | tf.Tensor
    ) -> tf.Tensor:
        return kl

    def covariance(self, q: tfd.Distribution, weight: tf.Tensor | None = None) -> tf.Tensor:
        """Returns C for q(z|x) with batch shape [B]: float32 tensor [D, D]."""
        mean = q.mean()  # [B, D]
        share = shares(weight, tf.shape(mean)[0])[:, tf.newaxis]
        centered = mean - tf.reduce_sum(share * mean, axis=0)
        covariance = tf.linalg.matmul(share * centered, centered, transpose_a=True)
        if self.variant == "I":
            return covariance
        return covariance + _mean_covariance(q, share)


def _mean_covariance(q, share):
    """Returns E_x[Cov_q[z|x]] for weights of the examples [B, 1]: [D, D]."""
    if isinstance(q, Blocks):
        parts = [tf.linalg.LinearOperatorFullMatrix(_mean_covariance(block, share)) for block in q.blocks]
        return tf.linalg.LinearOperatorBlockDiag(parts).to_dense()
    if is_product(q):
        return tf.linalg.diag(tf.reduce_sum(share * q.variance(), axis=0))
    return tf.reduce_sum(share[..., tf.newaxis] * q.covariance(), axis=0)
