"""Checks of what users give to a model: examples, codes, conditions, and streams of them."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.conditions import Condition
from keras_ae.io.closing import ClosedLater
from keras_ae.training.data_adapter import EMPTY, Expected, is_stream, parts_of, refused
from keras_ae.training.dataset_checks import mapped, opened, present
from keras_ae.training.streams import finite, joined
from keras_ae.validation.arguments import check_array, check_weights
from keras_ae.validation.tensors import guard

_LARGEST = float(tf.float32.max)
_OTHER_DATA = 'Other data, such as tables, take likelihood="normal" and are scaled to mean 0 and variance 1.'


def checked_arrays(model: keras.Model, x, condition, sample_weight=None, *, training: bool = False) -> tuple:
    """Returns checked arrays (x, condition, sample_weight), with `None` for missing parts, and builds the model.

    Args:
        model: the `Autoencoder`.
        x, condition, sample_weight: the data, in memory; x may be a finite stream that holds the condition.
        training: whether the data are for training or evaluation, in which a model may allow unknown labels.

    Raises:
        ValueError: for data that do not fit the model.
    """
    if is_stream(x):
        return *joined(batches_of(model, x, condition)), None
    x, condition, sample_weight = parts_of(x, condition, sample_weight, Expected.by(model))
    x = checked_examples(model, x)
    condition = checked_condition(model, condition, len(x), training=training)
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, len(x))
    if not model.built:
        model.build((None, *x.shape[1:]))
    return x, condition, sample_weight


def checked_dataset(model: keras.Model, dataset: tf.data.Dataset, *, training: bool = False) -> tf.data.Dataset:
    """Returns a dataset whose batches are checked when they are read, and builds the model. See `checked_arrays`."""

    def check_x(x):
        return checked_examples(model, x)

    dataset = opened(dataset, Expected.by(model), None if model.likelihood_layer.support is None else check_x)
    x, condition, weight = map(present, dataset.element_spec)
    kind = _condition_to_check(model, condition, training)
    if condition is not None:
        kind.check_spec(condition)
    if not model.built:
        model.build((None, *x.shape[1:]))

    def check(x, values, weights):
        values = None if condition is None else kind.guard(values)
        weights = None if weight is None else guard(weights, "sample_weight", support=(0.0, _LARGEST))
        return check_x(x), values, weights

    return mapped(dataset, check)


def batches_of(model: keras.Model, x: Any, condition: Any = None) -> Iterator[tuple]:
    """Yields checked batches (x, condition) of anything that `fit` takes, once. Arrays in memory are one batch.

    Raises:
        ValueError: for an empty or infinite stream, and for a condition besides a stream.
    """
    if not is_stream(x):
        yield checked_arrays(model, x, condition)[:2]
        return
    if condition is not None:
        raise refused(x, "condition", type(condition).__name__, "its batches must hold it")
    source, empty = finite(x), True
    if isinstance(x, tf.data.Dataset):
        batches = (batch[:2] for batch in ClosedLater(checked_dataset(model, source).as_numpy_iterator()))
    else:
        batches = (checked_arrays(model, *keras.utils.unpack_x_y_sample_weight(batch))[:2] for batch in source)
    for batch in batches:
        empty = False
        yield batch
    if empty:
        raise ValueError(EMPTY)


def some_examples(
    model: keras.Model, x: Any, condition: Any, *, most: int, rng: np.random.Generator
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Returns examples [N, *event] and the features of their conditions [N, F] or `None`: at most `most`.

    They are drawn from arrays, and the first of a stream.

    Args:
        model: a built model.
        x, condition: anything that `fit` takes and that can be read again.
        most: the largest number of examples.
        rng: generator of the choice.
    """
    parts, num = [], 0
    for part in batches_of(model, x, condition):
        tensors, values = example_tensors(model, *part)
        parts.append((tensors, model.context(values)))
        num += len(tensors)
        if is_stream(x) and num >= most:
            break
    x, context = (None if values[0] is None else tf.concat(values, axis=0) for values in zip(*parts, strict=True))
    if num <= most:
        return x, context
    rows = np.sort(rng.choice(num, most, replace=False))
    return tf.gather(x, rows), None if context is None else tf.gather(context, rows)


def checked_examples(model: keras.Model, x: Any) -> Any:
    """Returns examples as a float32 array; in a graph, as a tensor with checks that run with the graph."""
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
    """Returns the checked values of the condition of `num` examples; `None` if the model has no condition.

    Args:
        model: the `Autoencoder`.
        condition: the values.
        num: number of examples, for which a single value is repeated; `None` for any number of rows.
        training: as in `checked_arrays`.

    Raises:
        ValueError: for a condition that is missing, unexpected or wrong.
    """
    kind = _condition_to_check(model, condition, training)
    if condition is None:
        return None
    values = tf.nest.flatten(condition)
    if any(map(is_keras_tensor, values)):
        return condition
    if any(map(is_symbolic, values)):
        condition = tf.nest.map_structure(tf.convert_to_tensor, condition)
        kind.check_spec(tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), condition))
        return kind.guard(condition)
    return kind.check(condition, num)


def _condition_to_check(model, condition, training) -> Condition | None:
    """Returns the `Condition` that checks values or their spec; raises a `ValueError` if they are missing or extra."""
    name = type(model).__name__
    if model.condition is None and condition is not None:
        raise ValueError(
            f"This {name} has no condition, but a condition (`y`) was given. Leave it out (`fit(x)`), or make the "
            "model conditional: condition=keras_ae.Categorical(10)."
        )
    if model.condition is not None and condition is None:
        raise ValueError(f"This {name} needs the condition of each example: {model.condition.specs()}. Received: None")
    return model._training_condition if training else model.condition


def example_tensors(model: keras.Model, x: Any, condition: Any) -> tuple[tf.Tensor, Any]:
    """Returns checked examples and their condition as tensors: (x [B, *event], condition or `None`)."""
    check_has_values("x", x)
    if is_symbolic(x):
        check_built(model, "encode")
        x = checked_examples(model, x)
    else:
        x, condition, _ = checked_arrays(model, x, condition)
    return tf.cast(x, tf.float32), condition_tensors(model, condition, None)


def code_tensors(model: keras.Model, z: Any, condition: Any) -> tuple[tf.Tensor, Any]:
    """Returns checked codes and their condition as tensors: (z [B, D], condition or `None`)."""
    check_built(model, "decode")
    check_has_values("z", z)
    if is_symbolic(z):
        if not z.shape.is_compatible_with([None, model.latent_dim]):
            raise ValueError(f"`z` must have shape [N, {model.latent_dim}]. Received: {z.shape}")
        z = guard(tf.cast(z, tf.float32), "z")
    else:
        z = check_array(z, "z", event_shape=(model.latent_dim,))
    return tf.convert_to_tensor(z, tf.float32), condition_tensors(model, condition, z.shape[0])


def condition_tensors(model: keras.Model, condition: Any, num: int | None) -> Any:
    """Returns the checked condition of `num` examples as tensors; `None` if the model has no condition."""
    for value in tf.nest.flatten(condition):
        check_has_values("condition", value)
    condition = checked_condition(model, condition, num)
    return None if condition is None else tf.nest.map_structure(tf.convert_to_tensor, condition)


def context_tensor(model: keras.Model, condition: Any, num: int | None) -> tf.Tensor | None:
    """Returns the features [B, F] of the condition of `num` examples; `None` if the model has no condition."""
    return model.context(condition_tensors(model, condition, num))


def num_rows(condition: Any) -> int | None:
    """Returns 1 for a single value of a condition, `None` for one value per row."""
    first = tf.nest.flatten(condition)[0]
    return 1 if np.ndim(first) == 0 and not isinstance(condition, (list, tuple)) else None


def check_built(model: keras.Model, verb: str) -> None:
    """Raises a `ValueError` if the model does not know the shape of its data."""
    if not model.built:
        raise ValueError(
            f"This {type(model).__name__} does not know the shape of its data yet: call `fit` before `{verb}`."
        )


def check_has_values(argument: str, value: object) -> None:
    """Raises a `TypeError` for a symbolic tensor of Keras."""
    if is_keras_tensor(value):
        raise TypeError(
            f"`{argument}` must hold values: only `encode`, `decode` and `reconstruct` take a keras.Input, and build "
            f"functional Keras models. Received: {type(value).__name__}"
        )


def is_keras_tensor(value: object) -> bool:
    """Whether a value is a symbolic tensor of Keras, such as a `keras.Input`."""
    return isinstance(value, keras.KerasTensor)


def is_symbolic(value: object) -> bool:
    """Whether a value is a symbolic tensor of Keras, or a tensor of a TensorFlow graph under construction."""
    return is_keras_tensor(value) or (isinstance(value, tf.Tensor) and not hasattr(value, "numpy"))
