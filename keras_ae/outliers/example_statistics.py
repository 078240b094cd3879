"""Statistics of single examples under a model: numbers that are larger, or smaller, for outliers."""

import functools
import math
import types
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.evaluate.score import score_terms
from keras_ae.input_checks import batches_of
from keras_ae.likelihoods import Bernoulli
from keras_ae.outliers.expected_deviance import ExpectedDeviance
from keras_ae.outliers.texture import texture_values

_BATCH, _AT_ONCE = 500, 4
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
        relative_deviance = log deviance - E[log deviance | z], the expectation over usual examples
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

    # Loops over the values of an example: without XLA, each step is written to memory.
    compared, by_value = functools.partial(_compared, model, references), None
    if not is_narrow(model):
        compared = tf.function(compared, jit_compile=True)
    if isinstance(model.likelihood_layer, Bernoulli):
        by_value = tf.function(
            functools.partial(value_statistics, model.likelihood_layer, by_product=True), jit_compile=True
        )

    def function(x, context=None):
        found = statistics_in_graph(model, x, context, references, compared=compared, by_value=by_value)
        return {name: value for name, value in found.items() if names is None or name in names}

    return compiled_by_example(model, function)


def is_narrow(model: keras.Model) -> bool:
    """Whether the values of examples are compared, not their codes: up to 100 values, and no condition."""
    return math.prod(model.event_shape) <= _NARROW and model.condition is None


def has_texture(model: keras.Model) -> bool:
    """Whether examples are images, and not narrow."""
    return len(model.event_shape) == 3 and min(model.event_shape[:2]) >= 3 and not is_narrow(model)


def reference_values(model: keras.Model, x: tf.Tensor, codes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns what is compared with usual examples, as far as the model has it: {name of the statistic: [B, D]}."""
    if is_narrow(model):
        flat = tf.reshape(x, [-1, math.prod(model.event_shape)])
        return {"density": flat, "neighbors": flat, "whitened_neighbors": flat}
    by_code = {"density": codes, "expected_deviance": codes}
    return {**by_code, **({"texture": texture_values(x)} if has_texture(model) else {})}


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

    def found_in_batch(rows, given, start):
        # Every batch is filled up to one size: matrix products of other sizes round in another way, and the score of
        # an example would depend on the others in its batch.
        whole = start + _BATCH <= len(rows)
        index = slice(start, start + _BATCH) if whole else np.minimum(np.arange(start, start + _BATCH), len(rows) - 1)
        inputs = [tf.cast(np.asarray(rows)[index], tf.float32)]
        if given is not None:
            values = tf.nest.map_structure(lambda each: tf.convert_to_tensor(np.asarray(each)[index]), given)
            inputs.append(model.condition(values))
        return {name: values.numpy()[: len(rows) - start] for name, values in compiled(*inputs).items()}

    def compute(x, condition=None):
        parts = []
        compiled.get_concrete_function()  # traced by this thread
        # Copies, and steps of a batch that one core takes, leave the other cores to another batch.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for rows, given in batches_of(model, x, condition):
                starts = range(0, len(rows), _BATCH)
                parts += pool.map(functools.partial(found_in_batch, rows, given), starts)
        return {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in parts[0]}

    return compute


def statistics_in_graph(
    model: keras.Model,
    x: tf.Tensor,
    context: tf.Tensor | None = None,
    references: Mapping[str, Callable] = _NONE,
    *,
    compared: Callable | None = None,
    by_value: Callable | None = None,
) -> dict[str, tf.Tensor]:
    """Computes `outlier_statistics` of a batch in a graph.

    Args:
        model: a built `Autoencoder`.
        x: float32 tensor [B, *event].
        context: features of the condition [B, F], or `None`.
        references: {name: function of `reference_values`}: statistics that compare with usual examples.
        compared: function from (x, codes) to the statistics of `references`, if it is compiled.
        by_value: `value_statistics` of the likelihood, if it is compiled.
    """
    posterior, likelihood = model.posterior_layer, model.likelihood_layer
    encoded = model.posterior_params(x, context)
    found = dict(score_terms(model, x, context, encoded))
    z = posterior.mean(encoded)
    params = model.likelihood_params(z, context)
    mean = likelihood.mean(params)
    mean.set_shape(x.shape)  # some distributions lose it where the batch size is unknown
    found.update((by_value or functools.partial(value_statistics, likelihood))(params, mean, x))
    if "reconstruction_at_mean" not in found:
        found["reconstruction_at_mean"] = -likelihood.distribution(params).log_prob(x)
    again = posterior.mean(model.posterior_params(mean, context))
    found["code_shift"] = tf.norm(again - z, axis=-1)
    found["code_norm"] = tf.norm(z, axis=-1)
    found["codes"] = z
    found |= compared(x, z) if compared else _compared(model, references, x, z)
    expected = references.get("expected_deviance")
    if isinstance(expected, ExpectedDeviance):
        found["relative_deviance"] = expected.relative(found["deviance"], found.pop("expected_deviance"))
    return found


def _compared(model, references, x, codes):
    """Returns the statistics that compare with usual examples: {name: [B]}."""
    values = reference_values(model, x, codes) if references else {}
    return {name: reference(values[name]) for name, reference in references.items()}


def value_statistics(
    likelihood: keras.layers.Layer, params: tf.Tensor, mean: tf.Tensor, x: tf.Tensor, *, by_product: bool = False
) -> dict[str, tf.Tensor]:
    """Returns the statistics that are made value by value, as far as the likelihood has them: {name: [B]}.

    Args:
        likelihood: the likelihood of a model.
        params: its parameters [B, *event, P].
        mean: its mean [B, *event].
        x: float32 tensor [B, *event].
        by_product: whether sums are products with ones: XLA would compute twice what is in two sums.
    """
    size = math.prod(x.shape[1:])

    def flat(values):
        return tf.reshape(values, [-1, size])

    def total(values):
        return tf.matmul(flat(values), tf.ones([size, 1]))[:, 0] if by_product else tf.reduce_sum(flat(values), -1)

    if isinstance(likelihood, Bernoulli):  # values of any shape: XLA's loops over an inner axis of length 1 are slow
        params, mean, x = flat(params), flat(mean), flat(x)
    found = {"squared_error": total((x - mean) ** 2), "mean": total(x) / size, "mean_square": total(x * x) / size}
    values, best = (_or_none(each, params, x) for each in (likelihood.value_log_prob, likelihood.best_log_prob))
    if values is None or best is None:
        found["largest_error"] = tf.reduce_max(flat(tf.abs(x - mean)), axis=-1)
        return found if values is None else {**found, "reconstruction_at_mean": -total(values)}
    above = best - values
    found |= {"deviance": total(above), "entropy": -total(best), "largest_error": tf.reduce_max(flat(above), axis=-1)}
    return {**found, "reconstruction_at_mean": found["deviance"] + found["entropy"]}


def _or_none(function, *arguments):
    """What a likelihood returns, or `None` if it has no closed form of it."""
    try:
        return function(*arguments)
    except NotImplementedError:
        return None
