"""Search for codes that are typical of the prior and decode to examples unlike data."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.progress import Progress

from keras_ae.evaluate.latent_honesty.likeness import Likeness
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.input_checks import context_tensor
from keras_ae.latents.spaces import AnySpace, Real, UnitInterval
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_ROWS, check_positive, check_size

_CALIBRATION = 2000  # codes of the prior that show its typical log-densities
_TYPICAL = (0.025, 0.975)  # quantiles of the log-density between which codes are typical
_CORRECTIONS = 5  # steps back to the typical set after each step of the ascent


@dataclasses.dataclass(frozen=True)
class FoundCodes:
    """Codes that a search found, those least like data first.

    Args:
        codes: float32 [S, D], within the typical set.
        examples: the decoded examples, float32 [S, *event], for pictures.
        scores: their `Likeness` scores: float32 [S].
        starts: scores of the prior's samples where the searches started, in the same order: float32 [S].
        unlike: whether the code is typical, and the example unlike data: bool [S].
        log_density: log p(z) of the codes: float32 [S], in nats.
        typical: the log-densities (low, high) between which codes are typical, in nats.
        rows: number of the prior's sample where each search started: int [S].
    """

    codes: np.ndarray
    examples: np.ndarray
    scores: np.ndarray
    starts: np.ndarray
    unlike: np.ndarray
    log_density: np.ndarray
    typical: tuple[float, float]
    rows: np.ndarray


def search_codes(
    model: keras.Model,
    likeness: Likeness,
    condition: Any = None,
    *,
    extractor: Callable | None = None,
    num: int = 50,
    steps: int = 50,
    step_size: float = 0.1,
    seed: int = 0,
    verbose: int = 0,
) -> FoundCodes:
    """Searches for typical codes whose decoded examples are unlike data, by gradient ascent on the `Likeness` score.

        typical set = {z : log p(z) between its 2.5% and 97.5% quantile under the prior}
        z <- z + step_size * s * g / |g|,        g = the gradient of score(extractor(decode(z)))
        z <- z + (b - log p(z)) h / |h|^2,  h = the gradient of log p(z), until z is typical again

    where s is the mean distance of codes from their mean, and b the nearer border of the typical set. For a standard
    normal prior the typical set is a shell of norms around sqrt(D). Each search starts at a sample of the prior, or of
    the fitted sampler, and keeps the typical code with the largest score. The step size falls linearly to 0.

    Args:
        model: a model with a prior, or a fitted sampler, over real codes.
        likeness: the `Likeness`, made from features of the same extractor.
        condition: one value for all codes or one per code, for a conditional model.
        extractor: Keras model or differentiable TensorFlow function from examples to features; the raw values by
            default.
        num: number of searches, S.
        steps: steps of each search.
        step_size: length of the first step, relative to the mean distance of codes from their mean.
        seed: integer seed of the samples at which the searches start.
        verbose: 1 shows a progress bar.

    Returns:
        `FoundCodes`.

    Raises:
        ValueError: for a model that cannot generate, codes that are not real vectors or have no density, an extractor
            without a gradient, and arguments out of range.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> x = np.random.default_rng(0).random([60, 4, 4, 1])
        >>> model = kae.models.VAE(latent_dim=2)
        >>> model.build((None, 4, 4, 1))
        >>> found = search_codes(model, Likeness(x[:40], x[40:]), num=3, steps=2)
        >>> found.codes.shape, found.examples.shape
        ((3, 2), (3, 4, 4, 1))
    """
    num, steps = check_size("num", num, high=MAX_ROWS), check_size("steps", steps)
    step_size, seed = check_positive("step_size", step_size), check_seed(seed)
    if model.sampler is None:
        raise NotApplicableError(f"{type(model).__name__} has no search of codes: it has no prior and no sampler.")
    starts, context = model.sample_codes(num, condition, seed=seed), context_tensor(model, condition, num)
    distribution, extractor = _distribution(model, context, starts), extractor or (lambda x: x)

    def evaluate(z):
        """The score and log p(z) of codes, and their gradients."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(z)
            features = tf.convert_to_tensor(extractor(_decoded(model, z, context)))
            score = likeness.score_tensor(tf.reshape(features, [num, -1]))
            log_density = distribution.log_prob(z)
        return score, log_density, tape.gradient(score, z), tape.gradient(log_density, z)

    if evaluate(starts)[2] is None:
        raise NotApplicableError("A search of codes needs an extractor that is a Keras model or a function of tensors.")
    evaluate = tf.function(evaluate, autograph=False).get_concrete_function(tf.TensorSpec(starts.shape))
    low, high, spread = _typical(distribution, num, seed)
    z, best, best_score = starts, starts, tf.fill([num], -np.inf)
    first = None
    with Progress(disable=not verbose, transient=True) as progress:
        for step in progress.track(range(steps + 1), description="search of codes"):
            for _ in range(_CORRECTIONS):
                score, log_density, slope, up = evaluate(z)
                missing = tf.clip_by_value(log_density, low, high) - log_density  # nats to the nearer border
                if not tf.reduce_any(missing != 0.0):
                    break
                # A little beyond the border, because the last digits must not decide.
                missing += 1e-3 * (high - low) * tf.sign(missing)
                z += missing[:, tf.newaxis] * up / tf.maximum(tf.reduce_sum(up**2, 1, keepdims=True), 1e-12)
            else:
                score, log_density, slope, _ = evaluate(z)
            first = score if first is None else first
            better = (log_density >= low) & (log_density <= high) & (score > best_score)
            best = tf.where(better[:, tf.newaxis], z, best)
            best_score = tf.where(better, score, best_score)
            length = tf.maximum(tf.norm(slope, axis=1, keepdims=True), 1e-12)
            z += step_size * spread * (1.0 - step / steps) * slope / length
    return _found(model, best, first, evaluate, context, likeness, (low, high))


def _decoded(model, z, context):
    return model.likelihood_layer.mean(model.likelihood_params(z, context))


def _found(model, codes, first, evaluate, context, likeness, typical):
    score, log_density = (each.numpy() for each in evaluate(codes)[:2])
    examples, inside = (
        _decoded(model, codes, context).numpy(),
        (log_density >= typical[0]) & (log_density <= typical[1]),
    )
    rows = np.argsort(-score, kind="stable")
    return FoundCodes(
        codes=codes.numpy()[rows],
        examples=examples[rows],
        scores=score[rows],
        starts=first.numpy()[rows],
        unlike=((score > likeness.threshold) & inside)[rows],
        log_density=log_density[rows],
        typical=(float(typical[0]), float(typical[1])),
        rows=rows,
    )


def _distribution(model, context, starts):
    """p(z) of real codes, or p(z|c) of as many codes as there are starts."""
    name, source = type(model).__name__, model.sampler
    if model.posterior_layer.space not in (Real(), AnySpace(), UnitInterval()):
        raise NotApplicableError(f"{name} has no search of codes: they are {model.posterior_layer.space}.")
    distribution = source.distribution(context)
    try:
        distribution.log_prob(starts)
    except NotImplementedError:
        raise NotApplicableError(f"{name} has no search of codes: {type(source).__name__} has no density.") from None
    return distribution


def _typical(distribution, num, seed):
    """The borders of the typical log-densities, and the mean distance of codes from their mean."""
    rounds = -(-_CALIBRATION // num)
    shape = [rounds] if distribution.batch_shape.rank else [rounds, num]
    drawn = distribution.sample(shape, seed=tf.constant([seed, 1]))  # [R, num, D]
    low, high = np.quantile(distribution.log_prob(drawn), _TYPICAL).astype(np.float32)
    codes = drawn.numpy().reshape(rounds * num, -1)
    return low, high, np.float32(np.linalg.norm(codes - codes.mean(axis=0), axis=1).mean())
