from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.blocks import with_gradients
from keras_ae.objectives.estimators.batch_weights import shares, to_rows
from keras_ae.objectives.estimators.kernels import KERNELS, squared_discrepancy
from keras_ae.objectives.estimators.kl import sample_and_kl
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_choice, check_number, is_number


@keras.saving.register_keras_serializable(package="keras_ae")
class MaximumMeanDiscrepancy(Objective):
    """Reconstruction with a maximum mean discrepancy between the aggregate posterior and the prior, and a weighted KL:

        loss = reconstruction + (1 - alpha) * kl + (alpha + lambda_ - 1) * discrepancy
        discrepancy = MMD^2(q(z), p(z)) = E k(z, z') + E k(p, p') - 2 E k(z, p)

    for codes z, z' of different examples and draws p, p' of the prior. With alpha = 1, the objective of a WAE, there
    is no KL, and the posterior needs no density. With alpha = 0 and lambda_ = 1 the loss is the negative ELBO.

    The discrepancy is an unbiased estimate from each weighted batch, and may be negative. The kernels are means over
    seven scales C = s * 2 D, s = 0.1 ... 10, with k(z, z) = 1; 2 D is the mean squared distance between two draws of
    N(0, I):

        "imq"  k(z, z') = C / (C + |z - z'|^2)
        "rbf"  k(z, z') = exp(-|z - z'|^2 / C)

    The discrepancy is at most 2, so its weight must be of the order of the reconstruction in nats.

    Args:
        lambda_: weight of the discrepancy, as in both papers; alpha + lambda_ - 1 must be >= 0.
        alpha: at most 1 (symbol alpha in Zhao 2019).
        kernel: `"imq"` or `"rbf"`.
        scales: the numbers s; by default the scales in the code of Tolstikhin 2018, which sums the kernels.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> import keras_ae as kae
        >>> objective = MaximumMeanDiscrepancy(100.0, kernel="rbf")
        >>> model = kae.Autoencoder(latent_dim=2, posterior="deterministic", objective=objective)

    References:
        Zhao, Song and Ermon 2019, arXiv:1706.02262, equation 6; Tolstikhin et al. 2018, arXiv:1711.01558, algorithm 2
        and section 4 for the inverse multiquadric kernel.
    """

    lambda_ = Hyperparameter(check_number)
    alpha = Hyperparameter(check_number)

    def __init__(
        self,
        lambda_: float = 1000.0,
        *,
        alpha: float = 1.0,
        kernel: str = "imq",
        scales: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.lambda_ = lambda_
        self.alpha = alpha
        self.needs_density = self.alpha < 1
        self.check_together()
        self.kernel = check_choice("kernel", kernel, KERNELS)
        self.scales = _check_scales(scales)
        self.terms = (
            ("kl", "reconstruction", "discrepancy") if self.needs_density else ("reconstruction", "discrepancy")
        )

    def check_together(self) -> None:
        received = f"Received: alpha={self.alpha!r}, lambda_={self.lambda_!r}"
        if self.alpha > 1 or self.alpha + self.lambda_ < 1:
            raise ValueError(f"`alpha` must be at most 1, and alpha + lambda_ - 1 must be >= 0. {received}")
        if self.needs_density != (self.alpha < 1):  # the terms, and the need for a density, would change
            bound = "below 1" if self.needs_density else "1"
            raise ValueError(f"`alpha` must stay {bound}, as at construction of the MaximumMeanDiscrepancy. {received}")

    def call(self, x, posterior, prior, likelihood, step_context):
        terms, q = {}, posterior(x)
        if self.needs_density:
            z, terms["kl"] = sample_and_kl(q, prior, 1, step_context.seed)  # [1, B, D], [B]
        else:
            z = q.sample(1, seed=step_context.seed)
        terms["reconstruction"] = -likelihood(z).log_prob(x)[0]
        seed = tfp.random.sanitize_seed(step_context.seed, salt="prior")
        discrepancy = self.discrepancy(z[0], prior, seed, step_context.weight, step_context.copies)
        terms["discrepancy"] = to_rows(discrepancy, terms["reconstruction"])
        loss = terms["reconstruction"] + (self.alpha + self.lambda_ - 1.0) * discrepancy
        if self.needs_density:
            loss += (1.0 - self.alpha) * terms["kl"]
        return {"loss": loss, **terms}

    def discrepancy(
        self, z: tf.Tensor, prior: tfd.Distribution, seed: tf.Tensor, weight: tf.Tensor | None = None, copies: int = 1
    ) -> tf.Tensor:
        """Returns the squared discrepancy between codes [B, D] and as many draws of the prior: a float32 tensor []."""
        num, prior = tf.shape(z)[0], with_gradients(prior)
        paired = prior.batch_shape.rank > 0  # p(z|c) of each example
        draws = prior.sample(seed=seed) if paired else prior.sample(num, seed=seed)  # [B, D]
        scales = [scale * 2.0 * z.shape[-1] for scale in self.scales]
        return squared_discrepancy(z, draws, KERNELS[self.kernel], scales, shares(weight, num), copies, paired=paired)


def _check_scales(scales):
    """Returns the scales as a tuple of positive floats."""
    values = scales.tolist() if isinstance(scales, np.ndarray) else scales
    listed = isinstance(values, (list, tuple, range)) and len(values) > 0
    if not listed or not all(is_number(value) and value > 0 for value in values):
        raise ValueError(f"`scales` must be positive numbers. Received: scales={scales!r}")
    return tuple(float(value) for value in values)
