"""The data of `fit` and `evaluate` as a checked source: `Arrays`, a `tf.data.Dataset`, a generator or a `PyDataset`."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.keras_internals import is_replicated
from keras_ae.training.data_adapter import Expected, is_stream, parts_of, refused
from keras_ae.training.input_pipeline import Arrays
from keras_ae.training.streams import checked_batches, concatenated, first_batches

_ADAPTED_TO = 8192  # examples of a stream


def checked_source(model: keras.Model, x, y, sample_weight, *, learning: bool = False) -> Any:
    """Returns the checked data. With `learning`, the model learns the names of labels from arrays and generators."""
    check = functools.partial(checked, model, learning=learning)
    if not is_stream(x):
        return Arrays(*check(x, y, sample_weight))
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise refused(x, name, type(value).__name__, "its batches hold what belongs to them")
    return model._check_dataset(x) if isinstance(x, tf.data.Dataset) else checked_batches(x, check)


def checked(model: keras.Model, x, condition, sample_weight, *, learning: bool) -> tuple:
    """Returns checked arrays (x, condition, weight) for training or evaluation."""
    x, condition, sample_weight = parts_of(x, condition, sample_weight, Expected.by(model))
    untrained = not float(keras.ops.convert_to_numpy(model.optimizer.iterations))
    if learning and untrained and condition is not None and model.condition is not None:
        model.condition.learn_names(condition)
    return model._check_arrays(x, condition, sample_weight)


def check_batch(model: keras.Model, verb: str, x) -> None:
    """Raises an error unless `x` may be a single batch of arrays, for a model on a single device."""
    if is_stream(x):
        raise ValueError(f"`x` must be one batch of arrays; `fit` and `evaluate` take a {type(x).__name__}.")
    if is_replicated(model):
        raise NotImplementedError(f"Under a strategy of tf.distribute, use `fit` and `evaluate`, not `{verb}`.")


def adapted(model: keras.Model, source: Any) -> Any:
    """Adapts the condition to the first examples of a source, and builds the model; returns the complete source."""
    needed = model.condition is not None and model.condition.needs_adapting
    if isinstance(source, Arrays):
        if needed:
            model.condition.adapt(source.condition)
    elif isinstance(source, tf.data.Dataset):
        if needed:
            rows = source.map(lambda *batch: batch[1]).unbatch().take(_ADAPTED_TO).as_numpy_iterator()
            model.condition.adapt(tf.nest.map_structure(lambda *values: np.stack(values), *rows))
    elif needed or not model.built:
        batches, source = first_batches(source, 1 if model.condition is None else _ADAPTED_TO)
        if needed:
            model.condition.adapt(concatenated([batch[1] for batch in batches]))
    return source
