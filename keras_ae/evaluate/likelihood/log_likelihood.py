"""Importance-weighted estimates of log p(x), and how far they can be trusted."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.likelihood.draws import Reduction, check_finite, checked_batches, reduce_draws
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.latents import Deterministic, VectorQuantizer
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_ROWS, check_size

_LOWEST = tf.float32.min  # in place of -infinity, whose difference from itself is not a number


@dataclasses.dataclass(frozen=True)
class ImportanceSampling:
    """Importance-weighted estimates of log p(x) of N examples, with their diagnostics.

    Args:
        log_likelihood: log 1/K sum_k w_k, a lower bound of log p(x) in expectation: float64 [N], in nats.
        effective_sample_size: (sum_k w_k)^2 / sum_k w_k^2, from 1 to K: float64 [N]. Near 1, a single draw decides,
            and the estimate is far too low.
        sizes: numbers of draws k = 1, 2, 4 ... K: int [G].
        bounds: the bound with k draws, averaged over the K // k separate groups of draws: float64 [G, N], in nats. The
            first is the ELBO, the last is `log_likelihood`; a curve that still rises asks for more draws.
    """

    log_likelihood: np.ndarray
    effective_sample_size: np.ndarray
    sizes: np.ndarray
    bounds: np.ndarray

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of each estimate from its draws, float64 [N], in nats.

            var(log mean_k w_k) ~ var(w) / (K mean(w)^2) = 1 / effective_sample_size - 1 / K

        It is a first-order approximation, too small where the effective sample size is near 1.
        """
        return np.sqrt(np.maximum(1.0 / self.effective_sample_size - 1.0 / self.sizes[-1], 0.0))

    @property
    def bias(self) -> np.ndarray:
        """The expected error of each estimate, -var / 2 to second order: float64 [N], in nats, at most 0."""
        return -0.5 * self.standard_error**2


def log_likelihood(
    model: keras.Model,
    x: Any,
    condition: Any = None,
    *,
    num_samples: int = 5000,
    seed: int = 0,
    batch_size: int = 100,
    verbose: int = 0,
) -> np.ndarray:
    """Estimates log p(x) of each example by importance sampling from the posterior, in nats.

        log p(x) ~ log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x),  z_k ~ q(z|x)

    The estimate is a lower bound in expectation, and approaches log p(x) as the number of samples grows;
    `importance_sampling` says how close it is. The draws of an example depend on its row number and the seed alone, so
    its value does not depend on the batch.

    Args:
        model: a model with a prior and a posterior that has a density.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in order.
        condition: the conditions of the examples, for a conditional model; the result is then log p(x|c).
        num_samples: importance samples per example, K.
        seed: integer; the same seed gives the same numbers.
        batch_size: examples per step.
        verbose: 1 shows a progress bar.

    Returns:
        float64 array [N].

    Raises:
        ValueError: for a model without prior or posterior density, for bad examples, and where the result is not
            finite.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> log_likelihood(model, np.random.rand(20, 8, 8, 1), num_samples=50).shape
        (20,)

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8; 5,000 samples in section 5.
    """
    options = {"num_samples": num_samples, "seed": seed, "batch_size": batch_size}
    return weighted(model, _batches(model, x, condition, batch_size, verbose), **options, sizes=())[0]


def importance_sampling(
    model: keras.Model,
    x: Any,
    condition: Any = None,
    *,
    num_samples: int = 5000,
    seed: int = 0,
    batch_size: int = 100,
    verbose: int = 0,
) -> ImportanceSampling:
    """Estimates log p(x) as `log_likelihood` does, with its diagnostics.

    Args:
        model, x, condition, num_samples, seed, batch_size, verbose: as in `log_likelihood`.

    Returns:
        An `ImportanceSampling`.

    Raises:
        ValueError: as in `log_likelihood`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> found = importance_sampling(model, np.random.rand(20, 8, 8, 1), num_samples=8)
        >>> found.sizes, found.bounds.shape
        (array([1, 2, 4, 8]), (4, 20))

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, theorem 1 for the growth of the bound; Kong 1992, "A
        note on importance sampling using standardized weights", for the effective sample size.
    """
    options = {"num_samples": num_samples, "seed": seed, "batch_size": batch_size}
    return diagnosed(model, _batches(model, x, condition, batch_size, verbose), **options)


def diagnosed(model, batches, *, num_samples, seed=0, batch_size=100):
    """`importance_sampling` for checked batches (x, condition)."""
    num_samples = check_size("num_samples", num_samples, high=MAX_ROWS)
    sizes = np.array([2**i for i in range((num_samples - 1).bit_length())] + [num_samples])
    options = {"num_samples": num_samples, "seed": seed, "batch_size": batch_size}
    estimate, effective_sample_size, sums = weighted(model, batches, **options, sizes=sizes[:-1])
    bounds = sums / (num_samples // sizes[:-1])[:, np.newaxis]
    return ImportanceSampling(estimate, effective_sample_size, sizes, np.concatenate([bounds, estimate[np.newaxis]]))


def _batches(model, x, condition, batch_size, verbose):
    check_density(model)
    batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
    return checked_batches(model, x, condition, batch_size=batch_size, verbose=verbose, description="log-likelihood")


def weighted(model, batches, *, num_samples, seed, batch_size, sizes):
    """Returns log p(x) [N], the effective sample size [N], and the summed bounds of groups of some sizes [G, N]."""
    num_samples, seed = check_size("num_samples", num_samples, high=MAX_ROWS), check_seed(seed)

    def make(per_step):
        return _Weights(num_samples, per_step, sizes)

    options = {"seed": seed, "batch_size": batch_size}
    peak, total, squares, sums, *_ = reduce_draws(model, batches, make, num_samples, **options)
    with np.errstate(divide="ignore", invalid="ignore"):  # of what is refused
        estimate = check_finite(peak + np.log(total / num_samples), "log p(x)")
    return estimate, total**2 / squares, sums


def check_density(model):
    """Raises a `NotApplicableError` for a model without a prior or a density of its posterior."""
    if isinstance(model.posterior_layer, VectorQuantizer) and model.prior_layer is not None:
        raise NotApplicableError(
            f"{type(model).__name__} has no likelihood by importance sampling: its posterior is a single code. Its "
            "bound on log p(x) is `elbo`."
        )
    if model.prior_layer is None or isinstance(model.posterior_layer, Deterministic):
        raise NotApplicableError(
            f"{type(model).__name__} has no likelihood: it has no prior, or its posterior has no density."
        )


class _Weights(Reduction):
    """The sum of the weights, the sum of their squares, and the bounds with fewer draws.

    The state is (peak [B], total [B], squares [B], sums [G, B], open [H, B]): the largest log-weight m; the sums of
    exp(log w - m) and of its square; the sums of the bounds of all complete groups of draws, for each group size; and
    the log-sum-exp of the group that is not complete yet, for the H group sizes of more than one step.
    """

    def __init__(self, num_samples, per_step, sizes):
        self.num_samples, self.per_step = num_samples, per_step
        self.within = [int(size) for size in sizes if size <= per_step]
        self.beyond = [int(size) for size in sizes if size > per_step]

    def start(self, posterior, prior, num):
        groups = len(self.within) + len(self.beyond)
        return (
            tf.fill([num], _LOWEST),
            tf.zeros([num]),
            tf.zeros([num]),
            tf.zeros([groups, num]),
            tf.fill([len(self.beyond), num], _LOWEST),
        )

    def add(self, state, draws):
        peak, total, squares, sums, still_open = state
        log_weights = draws.log_likelihood() + draws.log_ratio()
        log_weights = tf.where(draws.counts, log_weights, _LOWEST)  # [C, B]
        new_peak = tf.maximum(peak, tf.reduce_max(log_weights, axis=0))
        weights = tf.where(draws.counts, tf.exp(log_weights - new_peak), 0.0)
        shrink = tf.exp(peak - new_peak)
        total = total * shrink + tf.reduce_sum(weights, axis=0)
        squares = squares * shrink**2 + tf.reduce_sum(weights**2, axis=0)
        if not self.within:
            return new_peak, total, squares, sums, still_open
        added, log_sum = self._within_the_step(log_weights, draws.numbers[0])
        if self.beyond:
            closed, still_open = self._beyond_the_step(log_sum, still_open, draws.numbers[-1] + 1)
            added = tf.concat([added, closed], axis=0)
        return new_peak, total, squares, sums + added, still_open

    def _within_the_step(self, log_sums, first):
        """Returns the bounds of all complete groups, summed for each size [G, B], and the log-sum-exp of all [B]."""
        added, size = [], 1
        while True:
            if size in self.within:
                ends = first + size * (tf.range(log_sums.shape[0]) + 1)
                complete = (ends <= self.num_samples)[:, tf.newaxis]
                bounds = tf.where(complete, log_sums - np.log(size).astype(np.float32), 0.0)
                added.append(tf.reduce_sum(bounds, axis=0))
            if size == self.per_step:
                return tf.stack(added), log_sums[0]
            pairs = tf.reshape(log_sums, [-1, 2, log_sums.shape[1]])
            log_sums, size = tf.reduce_logsumexp(pairs, axis=1), 2 * size

    def _beyond_the_step(self, log_sum, still_open, end):
        """Adds a step to the open groups [H, B]; returns the bounds of those that it completes, and what is open."""
        sizes = tf.constant(self.beyond, tf.int32)[:, tf.newaxis]
        still_open = tf.reduce_logsumexp(tf.stack([still_open, tf.broadcast_to(log_sum, still_open.shape)]), axis=0)
        complete = (end % sizes == 0) & (end <= self.num_samples)
        closed = tf.where(complete, still_open - tf.math.log(tf.cast(sizes, tf.float32)), 0.0)
        return closed, tf.where(end % sizes == 0, _LOWEST, still_open)
