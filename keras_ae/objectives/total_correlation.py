from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.blocks import Blocks
from keras_ae.latents.spaces import Formula
from keras_ae.objectives.estimators.batch_weights import same_example
from keras_ae.objectives.estimators.kl import is_product
from keras_ae.objectives.objective import Objective
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import MAX_COUNT, check_choice, check_size

_TINY = np.finfo(np.float32).tiny


def _check_num(argument, value):
    return None if value is None else check_size(argument, value, high=MAX_COUNT)


@keras.saving.register_keras_serializable(package="keras_ae")
class TotalCorrelation(Objective):
    """The negative ELBO, with a separate weight on each part of the KL:

        loss = reconstruction + alpha * mutual_information + beta * total_correlation + gamma * dimension_wise_kl

        mutual_information = log q(z|x) - log q(z)
        total_correlation  = log q(z) - sum_d log q(z_d)
        dimension_wise_kl  = sum_d log q(z_d) - log p(z)

    for one sample z of q(z|x). The parts sum to log q(z|x) - log p(z), which is reported as the KL. With all weights 1,
    the loss equals `ELBO(kl="monte_carlo")`. Independent dimensions have a total correlation of 0. If the prior does
    not factorize, the last part is the divergence of the product of q(z_d) from the prior.

    q(z) = 1/N sum_n q(z|x_n) is over all N examples, and is estimated from the M of a batch; so is each q(z_d):

        "stratified"  1/N q(z|x) + (N - 1)/N * mean over the other examples of the batch of q(z|x_m)
        "weighted"    1/(N M) * sum over the batch of q(z|x_m)

    The first is unbiased for q(z), and exact if the batch is the whole data set. It averages the paper's stratified
    estimator, which weights one random other example differently, over the choice of that example. The paper trained
    with the second. It is a factor N below the mean over the batch, a constant without a gradient: with D dimensions,
    it reports a mutual information that is larger by log N, and a total correlation that is larger by (D - 1) log N.
    Neither is unbiased for the logarithms: small batches overestimate the mutual information, and underestimate the
    total correlation, even below 0.

    Sample weights weight the examples, and padding rows do not count.

    Args:
        num_examples: size of the training set, N; `None` takes it from the data of each `fit`. For a dataset it is
            known to within a batch; for a generator it is unknown, and must be given.
        alpha, beta, gamma: weights of the three parts, numbers >= 0 or schedules, as in the paper.
        sampling: `"stratified"` or `"weighted"`.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior without a closed-form
            density of each dimension, unlike `DiagonalNormal` and `FullCovarianceNormal`.

    Example:
        >>> import keras_ae as kae
        >>> objective = TotalCorrelation(num_examples=60_000, beta=4.0)
        >>> model = kae.models.VAE(latent_dim=4, objective=objective)

    References:
        Chen et al. 2018, arXiv:1802.04942, equations 2 and 4, and appendix C for both estimators.
    """

    terms = ("kl", "reconstruction", "mutual_information", "total_correlation", "dimension_wise_kl")
    scheduled = ("alpha", "beta", "gamma")
    formulas = frozenset({Formula.MARGINALS})

    alpha = Hyperparameter(check_value)
    beta = Hyperparameter(check_value)
    gamma = Hyperparameter(check_value)

    num_examples = Hyperparameter(_check_num)
    _counted = Hyperparameter(_check_num)  # by `fit`, if not given

    def __init__(
        self,
        num_examples: int | None = None,
        *,
        alpha: FloatOrSchedule = 1.0,
        beta: FloatOrSchedule = 6.0,
        gamma: FloatOrSchedule = 1.0,
        sampling: str = "stratified",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_examples = num_examples
        self._counted = None
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.sampling = check_choice("sampling", sampling, ("stratified", "weighted"))

    def call(self, x, posterior, prior, likelihood, step_context):
        q = posterior(x)
        z, log_prob = q.experimental_sample_and_log_prob(seed=step_context.seed)  # [B, D], [B]
        reconstruction = -likelihood(z[tf.newaxis]).log_prob(x)[0]
        log_joint, log_marginals = self.aggregate(q, z, step_context.weight, step_context.copies)  # [B], [B, D]
        log_product = tf.reduce_sum(log_marginals, axis=-1)
        log_prior = prior.log_prob(z)
        parts = {
            "mutual_information": log_prob - log_joint,
            "total_correlation": log_joint - log_product,
            "dimension_wise_kl": log_product - log_prior,
        }
        loss = reconstruction
        for name, part in zip(self.scheduled, parts.values(), strict=True):
            loss += value_at(getattr(self, name), step_context.step) * part
        return {"loss": loss, "kl": log_prob - log_prior, "reconstruction": reconstruction, **parts}

    def count(self, num_examples: Callable[[], int | None]) -> None:
        self._counted = num_examples() if self.num_examples is None else None

    @property
    def counted_examples(self) -> int | None:
        return self._counted

    @property
    def size(self) -> int:
        """N, as given or as counted by `fit`."""
        size = self._counted if self.num_examples is None else self.num_examples
        if size is None:
            raise ValueError(
                "`num_examples` must be given, as in TotalCorrelation(num_examples=len(x)), if the data of `fit` have "
                "no known size. Received: num_examples=None"
            )
        return size

    def aggregate(
        self, q: tfd.Distribution, z: tf.Tensor, weight: tf.Tensor | None = None, copies: int = 1
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Estimates log q(z) [B] and log q(z_d) [B, D] for the sample z [B, D] of each example.

        Args:
            q: q(z|x) with batch shape [B], a `tfd.Independent`, with `marginals`, or `Blocks` of these.
            z: float32 tensor [B, D].
            weight: tensor [B] or `None`.
            copies: how many rows each example has, as in `StepContext`.
        """
        codes, values = _log_densities(q, z[:, tf.newaxis])
        shares = self._log_shares(tf.ones([tf.shape(z)[0]]) if weight is None else weight, copies)  # [B, B]
        log_joint = tf.reduce_logsumexp(codes + shares, axis=1)
        return log_joint, tf.reduce_logsumexp(values + shares[..., tf.newaxis], axis=1)

    def _log_shares(self, weight, copies):
        """Returns the log weight of q(z|x_j) in the estimate of q(z_i): [B, B]."""
        same = same_example(tf.shape(weight)[0], copies)
        within, across = same * weight, (1.0 - same) * weight  # [B, B], rows of the same example and of others
        own, others = tf.reduce_sum(within, axis=1), tf.reduce_sum(across, axis=1)  # [B]
        present = own > 0.0
        num = tf.maximum(tf.reduce_sum(tf.cast(present, tf.float32)) / copies, 1.0)  # M
        relative = num / tf.maximum(own + others, _TINY)  # times the weight of an example: 1 on average
        # A row of weight 0 counts itself, to keep its terms finite.
        within = tf.where(present[:, tf.newaxis], within, tf.eye(tf.shape(weight)[0]))
        within /= tf.reduce_sum(within, axis=1, keepdims=True)
        own = tf.where(present, own * relative, 1.0)
        if self.sampling == "weighted":
            shares = (own[:, tf.newaxis] * within + relative[:, tf.newaxis] * across) / (self.size * num)
        else:
            own = tf.where(
                others > 0.0, tf.minimum(own / self.size, 1.0), 1.0
            )  # a single example stands for the data set
            across = tf.math.divide_no_nan(across, others[:, tf.newaxis])
            shares = own[:, tf.newaxis] * within + (1.0 - own)[:, tf.newaxis] * across
        return tf.math.log(shares)


def _log_densities(q, z):
    """Returns log q(z_i|x_j) [B, B], and of each dimension [B, B, D], for codes [B, 1, D]."""
    if isinstance(q, Blocks):
        parts = [_log_densities(block, part) for block, part in q.split(z)]
        return sum(codes for codes, _ in parts), tf.concat([values for _, values in parts], axis=-1)
    if is_product(q):
        values = q.distribution.log_prob(z)
        return tf.reduce_sum(values, axis=-1), values
    return q.log_prob(z), q.marginals().log_prob(z)
