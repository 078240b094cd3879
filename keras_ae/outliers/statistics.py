"""What a model says of a single example: numbers that are larger, or smaller, where an example does not belong."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.score import score_terms
from keras_ae.input_checks import batches_of

_BATCH = 500


def outlier_statistics(model: keras.Model, x: Any, condition: Any = None) -> dict[str, np.ndarray]:
    """Computes the numbers from which outlier scores are made, without noise beyond the fixed noise of `score`.

        deviance = sum_i (max over locations of log p(x_i) - log p(x_i|z)),  z = mean of q(z|x)
        squared_error = sum_i (x_i - E[x_i|z])^2
        largest_error = max_i (max over locations of log p(x_i) - log p(x_i|z))
        code_shift = |z(x) - z(reconstruction of x)|

    Args:
        model: a built `Autoencoder`.
        x: examples [N, *event].
        condition: the conditions of the examples, for a conditional model.

    Returns:
        {name: float64 array [N]}: "elbo", "kl" and "reconstruction" as in `keras_ae.evaluate.score`, as far as the
        model has them; "deviance" and "largest_error" in nats, for a likelihood with a closed form of it;
        "squared_error" in units of x; "code_shift" and "code_norm" in units of the code. "codes" has shape [N, D].
    """
    return outlier_statistics_function(model)(x, condition)


def outlier_statistics_function(model: keras.Model) -> Callable[..., dict[str, np.ndarray]]:
    """Returns `outlier_statistics` of a model as a function of (x, condition) that is compiled once."""
    return compiled_by_example(model, functools.partial(statistics_in_graph, model))


def compiled_by_example(model: keras.Model, function: Callable) -> Callable[..., dict[str, np.ndarray]]:
    """Compiles what a model says of single examples.

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
                # score of an example would depend on the examples beside it.
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


def statistics_in_graph(model: keras.Model, x: tf.Tensor, context: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
    """Computes `outlier_statistics` of a batch in a graph.

    Args:
        model: a built `Autoencoder`.
        x: float32 tensor [B, *event].
        context: features of the condition [B, F], or `None`.
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
    try:
        deviance = likelihood.best_log_prob(params, x) - likelihood.value_log_prob(params, x)
        found["deviance"] = tf.reduce_sum(deviance, axis=axes)
        found["largest_error"] = tf.reduce_max(deviance, axis=axes)
    except NotImplementedError:
        found["largest_error"] = tf.reduce_max(tf.abs(x - mean), axis=axes)
    again = posterior.mean(model.posterior_params(mean, context))
    found["code_shift"] = tf.norm(again - z, axis=-1)
    found["code_norm"] = tf.norm(z, axis=-1)
    found["codes"] = z
    return found
