import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents import Deterministic
from keras_ae.random import check_seed
from keras_ae.training.data_adapter import is_stream, rebatched
from keras_ae.validation.arguments import MAX_ROWS, check_size


def log_likelihood(
    model: keras.Model,
    x,
    condition=None,
    *,
    num_samples: int = 5000,
    seed: int = 0,
    batch_size: int = 100,
    verbose: int = 0,
) -> np.ndarray:
    """Estimates log p(x) of each example by importance sampling from the posterior, in nats.

        log p(x) ~ log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x),  z_k ~ q(z|x)

    The estimate is a lower bound in expectation, and approaches log p(x) as the number of samples grows.

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
        ValueError: for a model without prior or posterior density, and for bad examples.

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8; 5,000 samples in section 5.
    """
    num_samples = check_size("num_samples", num_samples, high=MAX_ROWS)
    batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
    check_seed(seed)
    if model.prior_layer is None or isinstance(model.posterior_layer, Deterministic):
        raise ValueError(f"{type(model).__name__} has no likelihood: it has no prior, or its posterior has no density.")
    per_step = min(50, num_samples)
    step = _compiled_step(model, per_step)
    num = None if is_stream(x) or not hasattr(x, "__len__") else -(-len(x) // batch_size)
    bar = keras.utils.Progbar(num, verbose=verbose, unit_name="batch")
    parts = []
    for number, part in enumerate(rebatched(model.batches_of(x, condition), batch_size)):
        parts.append(_estimate(step, part, num_samples, per_step, seed, number))
        bar.update(number + 1)
    return np.concatenate(parts)


def _compiled_step(model, num):
    """Returns a compiled function that computes the log-weights of `num` samples per example: [num, B]."""

    @tf.function(jit_compile=True, reduce_retracing=True)
    def step(x, condition, seed):
        context = None if model.condition is None else model.condition(condition)
        q = model.posterior_layer.exact(model.posterior_params(x, context))
        z, log_q = q.experimental_sample_and_log_prob(num, seed=seed)  # [K, B, D], [K, B]
        p = model.likelihood_layer.distribution(model.likelihood_params(z, context))
        return p.log_prob(x) + model.prior_layer.distribution(context).log_prob(z) - log_q

    return step


def _estimate(step, part, num_samples, per_step, seed, number):
    total = None
    for chunk, start in enumerate(range(0, num_samples, per_step)):
        noise = tf.random.experimental.stateless_fold_in(tf.constant([seed, number], tf.int32), chunk)
        weights = step(*part, noise).numpy().astype(np.float64)[: num_samples - start]
        chunk_sum = np.logaddexp.reduce(weights, axis=0)
        total = chunk_sum if total is None else np.logaddexp(total, chunk_sum)
    return total - np.log(num_samples)
