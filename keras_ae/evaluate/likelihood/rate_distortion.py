"""The rate-distortion curve of a decoder and a prior."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.likelihood.draws import Reduction, check_finite, checked_batches, reduce_draws
from keras_ae.evaluate.likelihood.log_likelihood import check_density
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_ROWS, check_positive, check_size

BETAS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
_LOWEST = tf.float32.min


@dataclasses.dataclass(frozen=True)
class RateDistortion:
    """Points of the rate-distortion curve of N examples.

    Args:
        betas: the weight of the distortion at each point, ascending: float64 [T].
        rate: KL(q_beta(z|x) || p(z)): float64 [T, N], in nats.
        distortion: E_q_beta[-log p(x|z)]: float64 [T, N], in nats.
        effective_sample_size: of the weights at each point, from 1 to K: float64 [T, N]. Near 1, the point is not to be
            trusted: its distortion comes from a single draw.
    """

    betas: np.ndarray
    rate: np.ndarray
    distortion: np.ndarray
    effective_sample_size: np.ndarray


def rate_distortion(
    model: keras.Model,
    x: Any,
    condition: Any = None,
    *,
    betas: Sequence[float] = BETAS,
    num_samples: int = 1000,
    seed: int = 0,
    batch_size: int = 100,
    verbose: int = 0,
) -> RateDistortion:
    """Estimates the rate-distortion curve of a decoder and a prior: the best that any encoder could reach with them.

        q_beta(z|x) = p(z) p(x|z)^beta / Z_beta(x)      minimizes  rate + beta * distortion
        distortion  = E_q_beta[-log p(x|z)],  rate = KL(q_beta || p) = -beta * distortion - log Z_beta(x)

    beta = 1 is the exact posterior, where rate + distortion = -log p(x). The point (kl, reconstruction) of `elbo` lies
    above the curve by what the encoder loses. Expectations are self-normalized importance sampling with draws of the
    encoder, q(z|x), which is reliable where q_beta is not far from it: see `effective_sample_size`.

    Curves of several models, such as VAEs trained with several values of beta, compare what their decoders and priors
    can do.

    Args:
        model: a model with a prior and a posterior that has a density.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in order.
        condition: the conditions of the examples, for a conditional model.
        betas: weights of the distortion, positive numbers.
        num_samples: draws per example, K.
        seed: integer; the same seed gives the same numbers.
        batch_size: examples per step.
        verbose: 1 shows a progress bar.

    Returns:
        A `RateDistortion`, with ascending betas.

    Raises:
        ValueError: for a model without prior or posterior density, for bad examples, and where a result is not finite.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> curve = rate_distortion(model, np.random.rand(20, 8, 8, 1), betas=(0.5, 1.0), num_samples=50)
        >>> curve.rate.shape
        (2, 20)

    References:
        Huang, Makhzani, Cao and Grosse 2020, arXiv:2008.06653, section 4, there with annealed importance sampling;
        Alemi et al. 2018, arXiv:1711.00464, for rate and distortion of autoencoders.
    """
    check_density(model)
    batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
    options = {"batch_size": batch_size, "verbose": verbose, "description": "rate-distortion"}
    batches = checked_batches(model, x, condition, **options)
    return rate_distortion_of(model, batches, betas=betas, num_samples=num_samples, seed=seed, batch_size=batch_size)


def rate_distortion_of(model, batches, *, betas=BETAS, num_samples=1000, seed=0, batch_size=100):
    """`rate_distortion` for checked batches (x, condition)."""
    num_samples, seed = check_size("num_samples", num_samples, high=MAX_ROWS), check_seed(seed)
    betas = np.sort([check_positive("betas", beta) for beta in betas])
    if not len(betas):
        raise ValueError("`betas` must have at least one number. Received: none")
    reduction, options = _Tempered(betas), {"seed": seed, "batch_size": batch_size}
    state = reduce_draws(model, batches, lambda per_step: reduction, num_samples, **options)
    peak, total, squares, weighted = state  # [T, N]
    with np.errstate(divide="ignore", invalid="ignore"):  # of what is refused
        distortion = weighted / total
        rate = -betas[:, np.newaxis] * distortion - (peak + np.log(total / num_samples))
    for values in (*rate, *distortion):
        check_finite(values, "rate and distortion")
    return RateDistortion(betas, rate, distortion, total**2 / squares)


class _Tempered(Reduction):
    """For each beta: the largest log-weight m [T, B], and the sums of exp(log w - m), of its square, and of its product
    with the distortion."""

    def __init__(self, betas):
        self.betas = np.asarray(betas, np.float32)[:, np.newaxis, np.newaxis]

    def start(self, posterior, prior, num):
        shape = [len(self.betas), num]
        return (tf.fill(shape, _LOWEST), *(tf.zeros(shape) for _ in range(3)))

    def add(self, state, draws):
        peak, total, squares, weighted = state
        log_likelihood = draws.log_likelihood()  # [C, B]
        log_weights = self.betas * log_likelihood + draws.log_ratio()  # [T, C, B]
        log_weights = tf.where(draws.counts, log_weights, _LOWEST)
        new_peak = tf.maximum(peak, tf.reduce_max(log_weights, axis=1))
        weights = tf.where(draws.counts, tf.exp(log_weights - new_peak[:, tf.newaxis]), 0.0)
        shrink = tf.exp(peak - new_peak)
        total = total * shrink + tf.reduce_sum(weights, axis=1)
        squares = squares * shrink**2 + tf.reduce_sum(weights**2, axis=1)
        weighted = weighted * shrink - tf.reduce_sum(weights * log_likelihood, axis=1)
        return new_peak, total, squares, weighted
