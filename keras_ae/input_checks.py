"""Checks of what users give to a model: examples, codes, conditions, and streams of them."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.conditions import Condition
from keras_ae.functional import check_is_no_keras_tensor
from keras_ae.training.data_adapter import is_stream, joined, opened, parts_of
from keras_ae.validation.arguments import check_array, check_weights
from keras_ae.validation.tensors import guard

_LARGEST = float(tf.float32.max)
_OTHER_DATA = 'Other data, such as tables, take likelihood="normal" and are scaled to mean 0 and variance 1.'


def checked_arrays(model: keras.Model, x, condition, sample_weight=None, *, training: bool = False) -> tuple:
    """`Autoencoder.prepare`: checked (x, condition, sample_weight), with `None` for what is absent."""
    if is_stream(x):
        return *joined(model.batches_of(x, condition)), None
    x, condition, sample_weight = parts_of(x, condition, sample_weight, model.wanted)
    x = checked_examples(model, x)
    condition = checked_condition(model, condition, len(x), training=training)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, len(x))
    if not model.built:
        model.build((None, *x.shape[1:]))
    return x, condition, sample_weight


def checked_stream(model: keras.Model, dataset: tf.data.Dataset, *, training: bool = False) -> tf.data.Dataset:
    """`Autoencoder.prepare_stream`: a dataset whose batches are checked when they are read."""

    def check_x(x):
        return checked_examples(model, x)

    dataset = opened(dataset, model.wanted, None if model.likelihood_layer.support is None else check_x)
    x, condition, weight = map(_present, dataset.element_spec)
    kind = _condition_to_check(model, condition, training)
    if condition is not None:
        kind.check_spec(condition)
    if not model.built:
        model.build((None, *x.shape[1:]))

    def check(x, values, weights):
        values = None if condition is None else kind.guard(values)
        weights = None if weight is None else guard(weights, "sample_weight", support=(0.0, _LARGEST))
        return check_x(x), values, weights

    checked = dataset.map(check, num_parallel_calls=2)
    if hasattr(dataset, "epoch"):
        checked.epoch = dataset.epoch
    return checked


def checked_examples(model: keras.Model, x: Any) -> Any:
    """Examples as a float32 array, or as a tensor that is checked when it runs where they are one of a graph."""
    support = model.likelihood_layer.support
    if not is_symbolic(x):
        return check_array(x, "x", event_shape=model.event_shape, support=support, advice=_OTHER_DATA)
    if model.event_shape is not None and not x.shape[1:].is_compatible_with(model.event_shape):
        single = x.shape.rank == len(model.event_shape)
        raise ValueError(
            f"`x` must have shape [N, {', '.join(map(str, model.event_shape))}]"
            f"{': call .batch(128) on a dataset of single examples' if single else ''}. Received: {x.shape}"
        )
    return guard(tf.cast(x, tf.float32), "x", support=support, advice=_OTHER_DATA)


def checked_condition(model: keras.Model, condition: Any, num: int | None, *, training: bool = False) -> Any:
    """`Autoencoder.checked_condition`."""
    kind = _condition_to_check(model, condition, training)
    if condition is None:
        return None
    values = tf.nest.flatten(condition)
    if any(isinstance(value, keras.KerasTensor) for value in values):
        return condition
    if any(map(is_symbolic, values)):
        condition = tf.nest.map_structure(tf.convert_to_tensor, condition)
        kind.check_spec(tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), condition))
        return kind.guard(condition)
    return kind.check(condition, num)


def _condition_to_check(model, condition, training) -> Condition | None:
    """What checks the values of a condition, or their spec; they must be there where the model has one."""
    name = type(model).__name__
    if model.condition is None and condition is not None:
        raise ValueError(
            f"This {name} has no condition, but a condition (`y`) was given. Leave it out (`fit(x)`), or make the "
            "model conditional: condition=keras_ae.Categorical(10)."
        )
    if model.condition is not None and condition is None:
        raise ValueError(f"This {name} needs the condition of each example: {model.condition.specs()}. Received: None")
    return model.training_condition if training else model.condition


def example_tensors(model: keras.Model, x: Any, condition: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Examples and the features of their condition, as the parts take them: (x [B, *event], context [B, F])."""
    check_is_no_keras_tensor("x", x)
    if is_symbolic(x):
        check_built(model, "encode")
        x = checked_examples(model, x)
    else:
        x, condition, _ = model.prepare(x, condition)
    return tf.cast(x, tf.float32), context_tensor(model, condition, None)


def code_tensors(model: keras.Model, z: Any, condition: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Codes and the features of their condition, as the parts take them: (z [B, D], context [B, F])."""
    check_built(model, "decode")
    check_is_no_keras_tensor("z", z)
    if is_symbolic(z):
        if not z.shape.is_compatible_with([None, model.latent_dim]):
            raise ValueError(f"`z` must have shape [N, {model.latent_dim}]. Received: {z.shape}")
        z = guard(tf.cast(z, tf.float32), "z")
    else:
        z = check_array(z, "z", event_shape=(model.latent_dim,))
    return tf.convert_to_tensor(z, tf.float32), context_tensor(model, condition, z.shape[0])


def context_tensor(model: keras.Model, condition: Any, num: int | None) -> tf.Tensor | None:
    """The features [B, F] of the condition of `num` examples."""
    for value in tf.nest.flatten(condition):
        check_is_no_keras_tensor("condition", value)
    condition = model.checked_condition(condition, num)
    return None if condition is None else model.condition(tf.nest.map_structure(tf.convert_to_tensor, condition))


def num_rows(condition: Any) -> int | None:
    """1 for a single value of a condition, `None` for one a row."""
    first = tf.nest.flatten(condition)[0]
    return 1 if np.ndim(first) == 0 and not isinstance(condition, (list, tuple)) else None


def check_built(model: keras.Model, verb: str) -> None:
    """Raises a `ValueError` where the model does not know the shape of its data."""
    if not model.built:
        raise ValueError(
            f"This {type(model).__name__} does not know the shape of its data yet: call `fit` before `{verb}`."
        )


def is_symbolic(value: Any) -> bool:
    """Whether a value is a tensor of a graph that is being made, of TensorFlow or of Keras."""
    return isinstance(value, keras.KerasTensor) or (isinstance(value, tf.Tensor) and not hasattr(value, "numpy"))


def _present(spec):
    """A spec, or `None` for the spec of `None`."""
    return spec if isinstance(spec, dict) or hasattr(spec, "shape") else None
