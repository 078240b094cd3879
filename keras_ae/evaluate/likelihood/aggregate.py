"""The aggregate posterior q(z): what codes reveal of the examples, and how far they are from the prior."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from rich.progress import Progress

from keras_ae.evaluate.likelihood.draws import as_program, check_finite, checked_batches
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.latents import Deterministic, VectorQuantizer
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_ROWS, check_size

_STEP = 100  # draws in one call of the program, so that a progress bar moves


@dataclasses.dataclass(frozen=True)
class KLDecomposition:
    """Draws of the two parts of the mean KL; their means over M draws are the estimates.

    Args:
        mutual_information: log q(z_m|x_m) - log q(z_m): float64 [M], in nats. The mean is I(x; z), at most log N.
        aggregate_kl: log q(z_m) - log p(z_m): float64 [M], in nats. The mean is KL(q(z) || p(z)). `None` without a
            prior, and if the prior depends on a condition, so that there is no single one to compare q(z) with.
        num_examples: N, over which q(z) is the average.
    """

    mutual_information: np.ndarray
    aggregate_kl: np.ndarray | None
    num_examples: int


def kl_decomposition(
    model: keras.Model,
    x: Any,
    condition: Any = None,
    *,
    num_draws: int = 1000,
    seed: int = 0,
    batch_size: int = 500,
    verbose: int = 0,
) -> KLDecomposition:
    """Splits the mean KL into mutual information and the KL of the aggregate posterior from the prior.

        q(z) = 1/N sum_n q(z|x_n)
        1/N sum_n KL(q(z|x_n) || p(z)) = I(x; z) + KL(q(z) || p(z))
        I(x; z)          = E[log q(z|x_n) - log q(z)],  n ~ uniform, z ~ q(z|x_n)
        KL(q(z) || p(z)) = E[log q(z) - log p(z)]

    q(z) is the exact average over all N examples at each draw, so there is no bias from minibatches, and the draws are
    independent: the standard error of their mean is the standard error of the estimate, with the N examples as given.

    Args:
        model: a model whose posterior has a density, or a codebook.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in order. The
            parameters of q(z|x) of all examples are kept in memory.
        condition: the conditions of the examples, for a conditional model.
        num_draws: draws (x, z), M. Examples are drawn without repetition until all of them were drawn.
        seed: integer; the same seed gives the same numbers.
        batch_size: examples per step of the encoder.
        verbose: 1 shows a progress bar.

    Returns:
        A `KLDecomposition`.

    Raises:
        ValueError: for a model whose codes are points, for bad examples, and where a density is not finite.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> found = kl_decomposition(model, np.random.rand(20, 8, 8, 1), num_draws=10)
        >>> found.mutual_information.shape, found.num_examples
        ((10,), 20)

    References:
        Hoffman and Johnson 2016, "ELBO surgery: yet another way to carve up the variational evidence lower bound".
    """
    batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
    options = {"batch_size": batch_size, "verbose": verbose, "description": "codes"}
    batches = checked_batches(model, x, condition, **options)
    return kl_decomposition_of(model, batches, num_draws=num_draws, seed=seed, verbose=verbose)


def kl_decomposition_of(model, batches, *, num_draws=1000, seed=0, verbose=0):
    """`kl_decomposition` for checked batches (x, condition)."""
    num_draws, seed = check_size("num_draws", num_draws, high=MAX_ROWS), check_seed(seed)
    if isinstance(model.posterior_layer, Deterministic) and not isinstance(model.posterior_layer, VectorQuantizer):
        raise NotApplicableError(
            f"{type(model).__name__} has no mutual information of x and z: its codes are points, without a density."
        )
    params, contexts = _parameters(model, batches)
    num, size = len(params), min(_STEP, num_draws)
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([rng.permutation(num) for _ in range(-(-num_draws // num))])[:num_draws]
    everything, program, parts = tf.constant(params), None, []
    with Progress(disable=not verbose, transient=True) as progress:
        for start in progress.track(range(0, num_draws, size), description="aggregate posterior"):
            rows = np.resize(drawn[start : start + size], size)  # the last step is filled up
            given = (everything, params[rows], None if contexts is None else contexts[rows], start + np.arange(size))
            program = program or as_program(model, _log_densities(model, seed))
            parts.append(np.stack(program(*given))[:, : num_draws - start])
    log_posterior, log_aggregate, log_prior = np.concatenate(parts, axis=1).astype(np.float64)
    information = check_finite(log_posterior - log_aggregate, "log q(z|x) - log q(z)")
    shared = _is_shared(model, contexts)
    divergence = check_finite(log_aggregate - log_prior, "log q(z) - log p(z)") if shared else None
    return KLDecomposition(information, divergence, num)


def _parameters(model, batches):
    """The parameters of q(z|x) of all examples [N, P], and the features of their conditions [N, F] or `None`."""
    params, contexts = [], []
    for x, condition in batches:
        context = None if model.condition is None else model.condition(condition)
        params.append(model.posterior_params(tf.constant(x), context).numpy())
        contexts.append(None if context is None else context.numpy())
    return np.concatenate(params), None if model.condition is None else np.concatenate(contexts)


def _log_densities(model, seed):
    """A function of all N examples and M of them to log q(z|x), log q(z) and log p(z) [M] of a draw of each."""
    posterior, prior = model.posterior_layer, model.prior_layer

    def run(everything, params, context, numbers):
        z, log_posterior = posterior.draw_and_log_prob(params, tf.fill(tf.shape(numbers), seed), numbers)
        every, log_num = posterior.exact(everything), np.log(everything.shape[0]).astype(np.float32)
        log_aggregate = tf.map_fn(lambda code: tf.reduce_logsumexp(every.log_prob(code)) - log_num, z)
        if prior is None:
            log_prior = tf.zeros_like(log_aggregate)
        elif isinstance(posterior, VectorQuantizer):  # log p of the indices
            log_prior = -tfp.distributions.kl_divergence(posterior.exact(params), prior.distribution(context))
        else:
            log_prior = prior.distribution(context).log_prob(z)
        return log_posterior, log_aggregate, log_prior

    return run


def _is_shared(model, contexts):
    """Whether there is one prior for all examples."""
    if model.prior_layer is None:
        return False
    context = None if contexts is None else tf.constant(contexts[:1])
    return model.prior_layer.distribution(context).batch_shape.rank == 0
