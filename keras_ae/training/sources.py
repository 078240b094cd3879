"""What `fit` and `evaluate` may be given beside arrays: generators and `PyDataset`s, with their batches checked."""

import itertools
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ae.checks import MAX_ROWS, check_size
from keras_ae.training.data_adapter import EMPTY
from keras_ae.training.epochs import EpochSetter


class CheckedBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked as they are asked for.

    Args:
        source: the `PyDataset`.
        check: function of (x, condition, weight) to the same, which raises for wrong values.
        form: function of these three to a batch as it is wanted.
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


def as_keras(x, condition, weight):
    """A batch as Keras' `fit` takes it."""
    if weight is not None:
        return x, condition, weight
    return (x,) if condition is None else (x, condition)


def checked_batches(source, check, form=as_keras):
    """A generator or a `PyDataset` of batches, each checked when it is needed."""
    if isinstance(source, keras.utils.PyDataset):
        if source.num_batches == 0:
            raise ValueError(EMPTY)
        return CheckedBatches(source, check, form)
    return (form(*check(*keras.utils.unpack_x_y_sample_weight(batch))) for batch in source)


class Filling:
    """The form of batches that are filled up to the largest so far, with rows of their own that have weight 0.

    A step of which XLA compiles a program has one for every size. These batches need no second one for the last.
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


def rechecked(source, check, form):
    """A checked generator or `PyDataset` with one more check, and its batches in another form."""
    if isinstance(source, CheckedBatches):
        return CheckedBatches(source.source, lambda *batch: check(*source.check(*batch)), form)
    return (form(*check(*keras.utils.unpack_x_y_sample_weight(batch))) for batch in source)


def filled(source):
    """A checked generator or `PyDataset` with batches in the form of `Filling`."""
    return rechecked(source, lambda *batch: batch, Filling())


def first_batches(source, num):
    """The first batches of a source, with about `num` examples, and the source with nothing lost.

    Raises:
        ValueError: where there are none.
    """
    if isinstance(source, keras.utils.PyDataset):
        batches, size = [], 0
        for index in range(source.num_batches or 1):
            batches.append(source[index])
            size += len(tf.nest.flatten(batches[-1])[0])
            if size >= num:
                break
        return batches, source
    batches, size = [], 0
    for batch in source:
        batches.append(batch)
        size += len(tf.nest.flatten(batch)[0])
        if size >= num:
            break
    if not batches:
        raise ValueError(EMPTY)
    return batches, (batch for batch in itertools.chain(batches, source))


def unpacked(data):
    """What `validation_data` may be, as (x, condition, weight): arrays in a tuple, or a source by itself."""
    return keras.utils.unpack_x_y_sample_weight(data) if isinstance(data, tuple) else (data, None, None)


def refused(x, name, value, instead):
    """The error for an argument that is for arrays alone."""
    return ValueError(
        f"`{name}` must be left out where `x` is not an array: {instead}. "
        f"Received: {name}={value} with a {type(x).__name__}"
    )


def check_batch_size(batch_size, name="batch_size", default=128):
    """Returns the batch size, a default unless given, or raises a `ValueError`."""
    return default if batch_size is None else check_size(name, batch_size, high=MAX_ROWS)


def with_epochs(callbacks, training, validation):
    """The callbacks of the user with one that knows the epoch and tells the datasets, and this one."""
    setter = EpochSetter(*(getattr(dataset, "epoch", None) for dataset in (training, validation)))
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(setter)
        callbacks.callbacks[:] = _in_order(callbacks.callbacks)
        return callbacks, setter
    return _in_order([*tf.nest.flatten(callbacks or []), setter]), setter


def warn_of_warm_up(model, callbacks):
    """Warns of callbacks of Keras that compare losses of different epochs while a schedule of the loss still moves."""
    moving = model.schedules_end is None or int(tf.convert_to_tensor(model.optimizer.iterations)) < model.schedules_end
    kinds = (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau)
    for callback in getattr(callbacks, "callbacks", callbacks) if moving else ():
        name = type(callback).__name__
        plain = isinstance(callback, kinds) and type(callback).__module__.startswith("keras.")
        if plain and callback.monitor in ("loss", "val_loss"):
            warnings.warn(
                f"keras.callbacks.{name} compares losses of different epochs while a schedule of the objective still "
                f"moves: take keras_ae.callbacks.{name}, which waits for its end.",
                stacklevel=3,
            )
            return


def _in_order(callbacks):
    """Puts callbacks that must see what others made of an epoch last, and tells them which others there are."""
    last = [callback for callback in callbacks if getattr(callback, "comes_last", False)]
    others = [callback for callback in callbacks if callback not in last]
    if last and not any(isinstance(callback, keras.callbacks.History) for callback in others):
        others.append(keras.callbacks.History())  # Keras would add its own behind all others
    for callback in last:
        callback.others = others
    return [*others, *last]
