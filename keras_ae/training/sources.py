"""What `fit` and `evaluate` may be given, as datasets: arrays, generators, and the callbacks that go with them."""

import keras
import numpy as np
import tensorflow as tf

from keras_ae.training.engine import stacks
from keras_ae.training.epochs import EpochSetter, batches


def chain(first, rest):
    """A generator of what was taken from another one, and then of the rest of it."""
    yield first
    yield from rest


def is_array(x):
    """Whether `x` is data in memory, in distinction to a dataset, a generator or a `PyDataset`."""
    return isinstance(x, (np.ndarray, tf.Tensor, list)) or hasattr(x, "__array__")


def in_memory(data):
    """Whether `data`, as given to `validation_data`, are arrays: x, (x,), (x, condition) or with weights."""
    return is_array(data) or (isinstance(data, tuple) and is_array(data[0]))


def split(x, y, sample_weight, fraction):
    """Cuts the last part off for validation, as Keras does."""
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` must be in [0, 1). Received: {fraction}")
    cut = int(len(x) * (1 - fraction))
    if cut in (0, len(x)):
        raise ValueError(
            f"`validation_split` must leave examples on both sides. Received: {fraction} of {len(x)} examples"
        )

    def parts(section):
        return tuple(
            None if a is None else tf.nest.map_structure(lambda t: t[section], a) for a in (x, y, sample_weight)
        )

    return parts(slice(None, cut)), parts(slice(cut, None))


def as_dataset(x, y, sample_weight, batch_size, *, seed=0, shuffle=False, steps=1):
    """Checked arrays as batches `(x, condition, weight)`, with `None` for what is absent, or as `stacks` of several."""
    arrays = {"x": x, "condition": y, "weight": sample_weight}
    present = {name: array for name, array in arrays.items() if array is not None}
    if steps > 1:
        return stacks(present, batch_size, steps, seed=seed, shuffle=bool(shuffle))

    def as_keras(batch, epoch, indices):
        return batch["x"], batch.get("condition"), batch.get("weight")

    return batches(present, batch_size, seed=seed, shuffle=bool(shuffle), transform=as_keras)


def check_batch_size(batch_size):
    """Returns the batch size, 128 unless given, or raises a `ValueError`."""
    if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
        raise ValueError(f"`batch_size` must be a positive integer. Received: {batch_size!r}")
    return int(batch_size or 128)


def with_epoch(callbacks, dataset):
    """The callbacks of the user, and one that tells the dataset which epoch comes next, if it wants to know."""
    if not hasattr(dataset, "epoch"):
        return callbacks
    setter = EpochSetter(dataset.epoch)
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(setter)
        return callbacks
    return [*tf.nest.flatten(callbacks or []), setter]
