import functools

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.spaces import Formula
from keras_ae.objectives.estimators.kl import kl_by_dimension
from keras_ae.objectives.penalized_kl import PenalizedKL
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_number


@keras.saving.register_keras_serializable(package="keras_ae")
class ELBO(PenalizedKL):
    """The negative evidence lower bound (ELBO), with a weight on the KL:

        loss = reconstruction + beta * kl
        reconstruction = E_q[-log p(x|z)],  kl = KL(q(z|x) || p(z))

    The expectation is the mean over samples of q(z|x) by reparameterization.

    With free bits, a number of nats per latent dimension and example is free:

        loss = reconstruction + beta * sum_d max(free_bits, kl_d),  kl = sum_d kl_d

    This is the objective of Kingma 2016 with groups of one dimension, except that the paper takes the maximum of the
    mean over a minibatch. Here the maximum is taken for each example, so the loss of an example does not depend on the
    batch. Because the mean of a maximum is at least the maximum of the mean, this loss is never below the paper's loss.
    The reported KL is the true KL.

    Args:
        beta: weight of the KL, >= 0; 1 gives the bound itself (symbol beta in Higgins 2017). A number, or a schedule
            such as `keras_ae.schedules.LinearWarmUp(1000)` or a Keras schedule.
        num_samples: samples of q(z|x) per example (symbol L in Kingma and Welling).
        kl: `"analytic"` for the closed form, `"monte_carlo"` for the mean of log q(z|x) - log p(z) over the same
            samples, `"auto"` for the closed form if TFP has one for the pair of distributions, or for each layer of
            hierarchical codes, otherwise Monte Carlo.
        free_bits: nats per latent dimension (symbol lambda in Kingma 2016); 0 for none. It needs the KL of each
            dimension in closed form: a posterior and a prior that factorize over dimensions, and not
            `kl="monte_carlo"`, whose noise would bias the maximum.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for `kl="analytic"` or `free_bits` without
            a closed form, and for `kl="monte_carlo"` with relaxed codes.

    References:
        Kingma and Welling 2014, arXiv:1312.6114, equation 7; Higgins et al. 2017, equation 4, for beta;
        Kingma et al. 2016, arXiv:1606.04934, equation 15 and appendix C8, for free bits.
    """

    scheduled = ("beta",)

    beta = Hyperparameter(check_value)
    free_bits = Hyperparameter(functools.partial(check_number, low=0.0), zero_is_off=True)

    def __init__(
        self, beta: FloatOrSchedule = 1.0, *, num_samples: int = 1, kl: str = "auto", free_bits: float = 0.0, **kwargs
    ):
        super().__init__(num_samples=num_samples, kl=kl, **kwargs)
        self.beta = beta
        self.free_bits = free_bits
        self.check_together()

    def check_together(self) -> None:
        if self.free_bits and self.kl == "monte_carlo":
            raise ValueError(
                f'`free_bits` needs the KL in closed form. Received: free_bits={self.free_bits!r} with kl="monte_carlo"'
            )

    def check_parts(self, posterior: Posterior, prior: Prior | None) -> None:
        super().check_parts(posterior, prior)
        known = posterior.family is not None and posterior.family == prior.family
        if self.free_bits and not (known and Formula.FACTORIZED in posterior.formulas & prior.formulas):
            raise ValueError(
                "`free_bits` needs a posterior and a prior that factorize over dimensions, such as DiagonalNormal "
                f"and StandardNormal. Received: posterior={type(posterior).__name__}, prior={type(prior).__name__}"
            )

    def penalty(
        self, kl: tf.Tensor, posterior: tfd.Distribution, prior: tfd.Distribution, step: int | tf.Tensor
    ) -> tf.Tensor:
        free_bits = self.free_bits
        if tf.is_tensor(free_bits) or free_bits:
            kl = tf.reduce_sum(tf.maximum(kl_by_dimension(posterior, prior), free_bits), axis=-1)
        return value_at(self.beta, step) * kl
