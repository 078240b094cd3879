"""What `fit` and `evaluate` may be given, as datasets: arrays, generators, and the callbacks that go with them."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from keras_ae.checks import check_size
from keras_ae.training.engine import stacks
from keras_ae.training.epochs import EpochSetter, batches


class CheckedBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked as they are asked for.

    Args:
        source: the `PyDataset`.
        check: function of (x, condition, weight) to the same, which raises for wrong values.
        form: function of these three to a batch as it is wanted.
    """

    def __init__(self, source, check, form):
        super().__init__(workers=source.workers, max_queue_size=source.max_queue_size)
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
    """A generator or a `PyDataset` of batches, each checked when it is needed; anything else is refused."""
    if isinstance(source, keras.utils.PyDataset):
        return CheckedBatches(source, check, form)
    if not hasattr(source, "__next__"):
        raise ValueError(
            "`x` must be an array, a tf.data.Dataset, a generator or a keras.utils.PyDataset, and the condition is "
            f"given as `y`. Received: {type(source).__name__}"
        )
    return (form(*check(*keras.utils.unpack_x_y_sample_weight(batch))) for batch in source)


def first_batches(source, num):
    """The first batches of a source, with about `num` examples, and the source with nothing lost."""
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
    return batches, itertools.chain(batches, source)


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

    def parts(batch, epoch, indices):
        return batch["x"], batch.get("condition"), batch.get("weight")

    return batches(present, batch_size, seed=seed, shuffle=bool(shuffle), transform=parts)


def check_batch_size(batch_size):
    """Returns the batch size, 128 unless given, or raises a `ValueError`."""
    return 128 if batch_size is None else check_size("batch_size", batch_size)


def with_epochs(callbacks, training, validation):
    """The callbacks of the user, and one that tells the datasets which epoch comes next, where they want to know."""
    counters = [getattr(dataset, "epoch", None) for dataset in (training, validation)]
    if all(counter is None for counter in counters):
        return callbacks
    setter = EpochSetter(*counters)
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(setter)
        return callbacks
    return [*tf.nest.flatten(callbacks or []), setter]
