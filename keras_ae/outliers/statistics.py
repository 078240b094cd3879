"""Statistics of single examples under a model: numbers that are larger, or smaller, for outliers."""

import math
import types
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.score import score_terms
from keras_ae.input_checks import batches_of
from keras_ae.outliers.texture import texture_values

_BATCH = 500
_NONE: Mapping[str, Callable] = types.MappingProxyType({})
_NARROW = 100  # values per example, up to which the density is of the example itself


def outlier_statistics(model: keras.Model, x: Any, condition: Any = None) -> dict[str, np.ndarray]:
    """Computes the numbers from which outlier scores are made, without noise beyond the fixed noise of `score`.

        deviance = sum_i (max over locations of log p(x_i) - log p(x_i|z)),  z = mean of q(z|x)
        squared_error = sum_i (x_i - E[x_i|z])^2
        largest_error = max_i (max over locations of log p(x_i) - log p(x_i|z))
        code_shift = |z(x) - z(reconstruction of x)|
        entropy = -sum_i max over locations of log p(x_i): the entropy of a Bernoulli variable for a gray value

    A detector also knows these, which compare the example with usual ones: see `keras_ae.outliers.references`.

        density = -log p(z), under a mixture of normal distributions that was fitted to usual codes
        neighbors, whitened_neighbors: distances to usual examples, for examples of at most 100 values; density is then
            of the example, not of its code
        texture = -log p(gray levels, edges and curvatures), for other images

    Args:
        model: a built `Autoencoder`.
        x: examples [N, *event].
        condition: the conditions of the examples, for a conditional model.

    Returns:
        {name: float64 array [N]}: "elbo", "kl" and "reconstruction" as in `keras_ae.evaluate.score`, as far as the
        model has them; "reconstruction_at_mean", -log p(x|z) at the mean of q(z|x), in nats; "deviance",
        "largest_error" and "entropy" in nats, for a likelihood with a closed form of it; "squared_error" in units of x;
        "code_shift" and "code_norm" in units of the code; "mean" and "mean_square" of the values of x. "codes" has
        shape [N, D].
    """
    return outlier_statistics_function(model)(x, condition)


def outlier_statistics_function(
    model: keras.Model, references: Mapping[str, Callable] = _NONE, names: Collection[str] | None = None
) -> Callable[..., dict[str, np.ndarray]]:
    """Returns `outlier_statistics` of a model as a function of (x, condition) that is compiled once.

    Args:
        model: a built `Autoencoder`.
        references: {name: function of `reference_values`}: statistics that compare with usual examples.
        names: which statistics to compute; by default, all.
    """

    # One loop over the pixels: without XLA, each of its steps is written to memory.
    texture = tf.function(texture_values, jit_compile=True)

    def function(x, context=None):
        found = statistics_in_graph(model, x, context, references, texture)
        return {name: value for name, value in found.items() if names is None or name in names}

    return compiled_by_example(model, function)


def is_narrow(model: keras.Model) -> bool:
    """Whether the values of examples are compared, not their codes: up to 100 values, and no condition."""
    return math.prod(model.event_shape) <= _NARROW and model.condition is None


def has_texture(model: keras.Model) -> bool:
    """Whether examples are images, and not narrow."""
    return len(model.event_shape) == 3 and min(model.event_shape[:2]) >= 3 and not is_narrow(model)


def reference_values(
    model: keras.Model, x: tf.Tensor, codes: tf.Tensor, texture: Callable = texture_values
) -> dict[str, tf.Tensor]:
    """Returns what is compared with usual examples, as far as the model has it: {name of the statistic: [B, D]}."""
    if is_narrow(model):
        flat = tf.reshape(x, [-1, math.prod(model.event_shape)])
        return {"density": flat, "neighbors": flat, "whitened_neighbors": flat}
    return {"density": codes, **({"texture": texture(x)} if has_texture(model) else {})}


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
    model: keras.Model,
    x: tf.Tensor,
    context: tf.Tensor | None = None,
    references: Mapping[str, Callable] = _NONE,
    texture: Callable = texture_values,
) -> dict[str, tf.Tensor]:
    """Computes `outlier_statistics` of a batch in a graph.

    Args:
        model: a built `Autoencoder`.
        x: float32 tensor [B, *event].
        context: features of the condition [B, F], or `None`.
        references: {name: function of `reference_values`}: statistics that compare with usual examples.
        texture: `texture_values`, possibly compiled.
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
    values = reference_values(model, x, z, texture) if references else {}
    return {**found, **{name: reference(values[name]) for name, reference in references.items()}}


def _or_none(function, *arguments):
    """What a likelihood returns, or `None` if it has no closed form of it."""
    try:
        return function(*arguments)
    except NotImplementedError:
        return None
