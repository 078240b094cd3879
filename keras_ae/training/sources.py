"""What `fit` and `evaluate` may be given, as datasets: arrays, generators, and the callbacks that go with them."""

import keras
import numpy as np
import tensorflow as tf

from keras_ae.training.epochs import EpochSetter, batches


def chain(first, rest):
    """A generator of what was taken from another one, and then of the rest of it."""
    yield first
    yield from rest


def is_array(x):
    """Whether `x` is data in memory, in distinction to a dataset, a generator or a `PyDataset`."""
    return isinstance(x, (np.ndarray, tf.Tensor, list)) or hasattr(x, "__array__")


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


def as_dataset(x, y, sample_weight, batch_size, *, seed, shuffle):
    """Batches `(x, condition, weight)` of checked arrays, with `None` for what is absent; 128 examples unless given."""
    arrays = {"x": x, "condition": y, "weight": sample_weight}
    present = {name: array for name, array in arrays.items() if array is not None}
    if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
        raise ValueError(f"`batch_size` must be a positive integer. Received: {batch_size!r}")

    def as_keras(batch, epoch, indices):
        return batch["x"], batch.get("condition"), batch.get("weight")

    return batches(present, batch_size or 128, seed=seed, shuffle=bool(shuffle), transform=as_keras)


def with_epoch(callbacks, dataset):
    """The callbacks of the user, and one that tells the dataset which epoch comes next, if it wants to know."""
    if not hasattr(dataset, "epoch"):
        return callbacks
    setter = EpochSetter(dataset.epoch)
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(setter)
        return callbacks
    return [*tf.nest.flatten(callbacks or []), setter]
