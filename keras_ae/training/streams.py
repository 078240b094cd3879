"""Streams of batches outside of TensorFlow: generators and `keras.utils.PyDataset`, and datasets that are read once."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.training.data_adapter import EMPTY


def finite(source: Any) -> Iterable:
    """Returns the batches of a stream, for one pass.

    Raises:
        ValueError: for an infinite stream.
    """
    if isinstance(source, tf.data.Dataset):
        if source.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError("`x` must be a finite dataset: dataset.take(num). Received: one that repeats forever")
        return source
    if isinstance(source, keras.utils.PyDataset):
        if source.num_batches is None:
            raise ValueError("`x` must be a PyDataset that knows its length. Received: one without")
        return (source[index] for index in range(source.num_batches))
    return source


def joined(batches: Iterable[tuple]) -> tuple:
    """Concatenates batches (x, condition).

    Raises:
        ValueError: if there are none.
    """
    batches = list(batches)
    if not batches:
        raise ValueError(EMPTY)
    if len(batches) == 1:
        return batches[0]
    x, conditions = zip(*batches, strict=True)
    if conditions[0] is None:
        return np.concatenate(x), None
    return np.concatenate(x), concatenated(conditions)


def concatenated(nests: Iterable) -> Any:
    """Concatenates nests of arrays along their first axes."""
    return tf.nest.map_structure(lambda *values: np.concatenate(values), *nests)


def rebatched(batches: Iterable[tuple], size: int) -> Iterator[tuple]:
    """Yields batches (x, condition) with `size` examples each; the last batch has the rest."""
    kept, rows = [], 0
    for batch in batches:
        kept.append(batch)
        rows += len(batch[0])
        while rows >= size:
            x, condition = joined(kept)
            yield _rows(x, condition, slice(0, size))
            rows -= size
            kept = [_rows(x, condition, slice(size, None))] if rows else []
    if rows:
        yield joined(kept)


def _rows(x, condition, rows):
    return x[rows], None if condition is None else tf.nest.map_structure(lambda values: values[rows], condition)


class CheckedBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked when they are read.

    Args:
        source: the `PyDataset`.
        check: function of (x, condition, weight) that returns checked values, or raises an error.
        form: function of these three that returns the batch in another form.
    """

    def __init__(self, source, check, form):
        parallel = {"workers": source.workers, "use_multiprocessing": source.use_multiprocessing}
        super().__init__(**parallel, max_queue_size=source.max_queue_size)
        self.source = source
        self.check = check
        self.form = form

    @property
    def num_batches(self):
        return self.source.num_batches

    def __getitem__(self, index):
        return self.form(*self.check(*keras.utils.unpack_x_y_sample_weight(self.source[index])))

    def on_epoch_begin(self):
        self.source.on_epoch_begin()

    def on_epoch_end(self):
        self.source.on_epoch_end()


def as_keras(x, condition, weight) -> tuple:
    """Returns a batch in the form of Keras' `fit`."""
    if weight is not None:
        return x, condition, weight
    return (x,) if condition is None else (x, condition)


def checked_batches(source: Any, check: Callable, form: Callable = as_keras) -> Any:
    """Returns a generator or a `PyDataset` whose batches are checked when they are read, in the form of `form`."""
    if isinstance(source, keras.utils.PyDataset):
        if source.num_batches == 0:
            raise ValueError(EMPTY)
        return CheckedBatches(source, check, form)
    return (form(*check(*keras.utils.unpack_x_y_sample_weight(batch))) for batch in source)


def rechecked(source: Any, check: Callable, form: Callable) -> Any:
    """Adds a check to the result of `checked_batches`, and changes the form of its batches."""
    if isinstance(source, CheckedBatches):
        return CheckedBatches(source.source, lambda *batch: check(*source.check(*batch)), form)
    return checked_batches(source, check, form)


def filled(source: Any) -> Any:
    """Changes the result of `checked_batches` to batches in the form of `Filling`."""
    return rechecked(source, lambda *batch: batch, Filling())


class Filling:
    """Fills batches up to the largest size so far, with copies of their rows that have weight 0.

    XLA compiles one program for each batch size; so the smaller last batch of an epoch needs no second program.
    """

    largest = 0

    def __call__(self, x, condition, weight):
        num = len(x)
        self.largest = max(self.largest, num)
        rows = np.arange(self.largest)
        weight = np.ones(num, np.float32) if weight is None else np.ravel(weight)
        batch = {"x": x, "weight": weight} | ({} if condition is None else {"condition": condition})
        if num < self.largest:
            batch = tf.nest.map_structure(lambda values: np.take(values, rows % num, axis=0), batch)
            batch["weight"] = batch["weight"] * (rows < num)
        return ({**batch, "count": np.array([num], np.int32)},)


def first_batches(source: Any, num: int) -> tuple[list, Any]:
    """Returns the first batches of a source, with at least `num` examples if it has them, and the complete source.

    Raises:
        ValueError: if there are none.
    """
    can_repeat = isinstance(source, keras.utils.PyDataset)
    batches, size = [], 0
    for batch in (source[index] for index in range(source.num_batches or 1)) if can_repeat else source:
        batches.append(batch)
        size += len(tf.nest.flatten(batch)[0])
        if size >= num:
            break
    if not batches:
        raise ValueError(EMPTY)
    return batches, source if can_repeat else (batch for batch in itertools.chain(batches, source))
