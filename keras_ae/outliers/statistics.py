"""Statistics of single examples under a model: numbers that are larger, or smaller, for outliers."""

import math
from collections.abc import Callable, Collection
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.score import score_terms
from keras_ae.input_checks import batches_of
from keras_ae.outliers.density import Density

_BATCH = 500
_NARROW = 100  # values per example, up to which the density is of the example itself


def outlier_statistics(model: keras.Model, x: Any, condition: Any = None) -> dict[str, np.ndarray]:
    """Computes the numbers from which outlier scores are made, without noise beyond the fixed noise of `score`.

        deviance = sum_i (max over locations of log p(x_i) - log p(x_i|z)),  z = mean of q(z|x)
        squared_error = sum_i (x_i - E[x_i|z])^2
        largest_error = max_i (max over locations of log p(x_i) - log p(x_i|z))
        code_shift = |z(x) - z(reconstruction of x)|
        entropy = -sum_i max over locations of log p(x_i): the entropy of a Bernoulli variable for a gray value
        density = -log p(z), under a mixture of normal distributions that was fitted to usual codes

    Args:
        model: a built `Autoencoder`.
        x: examples [N, *event].
        condition: the conditions of the examples, for a conditional model.

    Returns:
        {name: float64 array [N]}: "elbo", "kl" and "reconstruction" as in `keras_ae.evaluate.score`, as far as the
        model has them; "reconstruction_at_mean", -log p(x|z) at the mean of q(z|x), in nats; "deviance",
        "largest_error" and "entropy" in nats, for a likelihood with a closed form of it; "squared_error" in units of x;
        "code_shift" and "code_norm" in units of the code; "mean" and "mean_square" of the values of x. "codes" has
        shape [N, D]. "density" is known to a detector only.
    """
    return outlier_statistics_function(model)(x, condition)


def outlier_statistics_function(
    model: keras.Model, density: Density | None = None, names: Collection[str] | None = None
) -> Callable[..., dict[str, np.ndarray]]:
    """Returns `outlier_statistics` of a model as a function of (x, condition) that is compiled once.

    Args:
        model: a built `Autoencoder`.
        density: the density of `density_values` among usual examples, or `None`.
        names: which statistics to compute; by default, all.
    """

    def function(x, context=None):
        found = statistics_in_graph(model, x, context, density)
        return {name: value for name, value in found.items() if names is None or name in names}

    return compiled_by_example(model, function)


def density_values(model: keras.Model, x: Any, codes: Any) -> Any:
    """Returns the values [B, D] whose density is a statistic: examples of at most 100 values, or codes of others."""
    narrow = math.prod(model.event_shape) <= _NARROW and model.condition is None
    if not narrow:
        return codes
    return tf.reshape(x, [-1, math.prod(model.event_shape)]) if tf.is_tensor(x) else np.reshape(x, [len(x), -1])


def compiled_by_example(model: keras.Model, function: Callable) -> Callable[..., dict[str, np.ndarray]]:
    """Compiles a function of single examples.

    Args:
        model: a built `Autoencoder`.
        function: function from tensors (x [B, *event], context [B, F] or `None`) to {name: tensor [B, ...]}.

    Returns:
        A function from (x, condition), of any number of examples, to {name: float64 array [N, ...]}.
    """
    signature = [tf.TensorSpec([_BATCH, *model.event_shape], tf.float32)]
    if model.condition is not None:
        signature.append(tf.TensorSpec([_BATCH, model.condition.size], tf.float32))
    compiled = tf.function(lambda x, context=None: function(x, context), input_signature=signature)

    def compute(x, condition=None):
        parts = []
        for rows, given in batches_of(model, x, condition):
            for start in range(0, len(rows), _BATCH):
                # Every batch is filled up to one size: matrix products of other sizes round in another way, and the
                # score of an example would depend on the others in its batch.
                index = np.minimum(np.arange(start, start + _BATCH), len(rows) - 1)
                # NumPy takes these rows; `tf.gather` would first copy all rows to a tensor.
                inputs = [tf.cast(np.asarray(rows)[index], tf.float32)]
                if given is not None:
                    values = tf.nest.map_structure(lambda each, index=index: np.asarray(each)[index], given)
                    inputs.append(model.condition(tf.nest.map_structure(tf.convert_to_tensor, values)))
                found = compiled(*inputs)
                parts.append({name: values.numpy()[: len(rows) - start] for name, values in found.items()})
        return {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in parts[0]}

    return compute


def statistics_in_graph(
    model: keras.Model, x: tf.Tensor, context: tf.Tensor | None = None, density: Density | None = None
) -> dict[str, tf.Tensor]:
    """Computes `outlier_statistics` of a batch in a graph.

    Args:
        model: a built `Autoencoder`.
        x: float32 tensor [B, *event].
        context: features of the condition [B, F], or `None`.
        density: the density of `density_values` among usual examples, or `None`.
    """
    posterior, likelihood = model.posterior_layer, model.likelihood_layer
    encoded = model.posterior_params(x, context)
    found = dict(score_terms(model, x, context, encoded))
    z = posterior.mean(encoded)
    params = model.likelihood_params(z, context)
    mean = likelihood.mean(params)
    mean.set_shape(x.shape)  # some distributions lose it where the batch size is unknown
    axes = list(range(1, len(x.shape)))
    found["squared_error"] = tf.reduce_sum((x - mean) ** 2, axis=axes)
    values, best = (_or_none(each, params, x) for each in (likelihood.value_log_prob, likelihood.best_log_prob))
    log_prob = likelihood.distribution(params).log_prob(x) if values is None else tf.reduce_sum(values, axis=axes)
    found["reconstruction_at_mean"] = -log_prob
    if values is None or best is None:
        found["largest_error"] = tf.reduce_max(tf.abs(x - mean), axis=axes)
    else:
        found["deviance"] = tf.reduce_sum(best - values, axis=axes)
        found["largest_error"] = tf.reduce_max(best - values, axis=axes)
        found["entropy"] = -tf.reduce_sum(best, axis=axes)
    found["mean"], found["mean_square"] = tf.reduce_mean(x, axis=axes), tf.reduce_mean(x**2, axis=axes)
    again = posterior.mean(model.posterior_params(mean, context))
    found["code_shift"] = tf.norm(again - z, axis=-1)
    found["code_norm"] = tf.norm(z, axis=-1)
    found["codes"] = z
    if density is not None:
        found["density"] = density(density_values(model, x, z))
    return found


def _or_none(function, *arguments):
    """What a likelihood returns, or `None` if it has no closed form of it."""
    try:
        return function(*arguments)
    except NotImplementedError:
        return None
