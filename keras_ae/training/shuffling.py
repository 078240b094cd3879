"""The order of the examples, drawn from (seed, epoch).

Keras and `tf.data` draw the order of an epoch from a generator that lives as long as the process: a resumed run sees
another order, and `keras.utils.set_random_seed` gives every epoch the same one. Here the order is a pure function of
the seed and the number of the epoch.
"""

import keras
import tensorflow as tf

from keras_ae.training.zero_copy import resident


def permutation(size, seed, epoch):
    """The order of one epoch: int64 tensor [size], a pure function of its arguments."""
    seeds = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)])
    return tf.random.experimental.stateless_shuffle(tf.range(size, dtype=tf.int64), seed=seeds)


def by_epoch(make, cardinality=None):
    """A dataset that differs from epoch to epoch in a way that can be repeated.

    Args:
        make: function of the epoch (int64 scalar tensor) to a `tf.data.Dataset`.
        cardinality: how many elements each epoch has, if that is known.

    Returns:
        A `tf.data.Dataset` with an attribute `epoch`, a `tf.Variable`. Every iterator takes the number that stands
        there and leaves the next one. `fit` sets it at each epoch, so that resuming is exact; a loop of your own may
        assign it.

    Example:
        >>> import tensorflow as tf
        >>> dataset = by_epoch(lambda epoch: tf.data.Dataset.from_tensors(epoch))
        >>> [int(e) for e in dataset], [int(e) for e in dataset]
        ([0], [1])
    """
    counter = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")

    @tf.autograph.experimental.do_not_convert
    def take(_):
        epoch = counter.read_value()
        with tf.control_dependencies([epoch]):
            counter.assign_add(1)
        return epoch

    dataset = tf.data.Dataset.from_tensors(0).map(take).flat_map(make)
    if cardinality is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
    dataset.epoch = counter
    return dataset


def batches(arrays, batch_size, *, seed=0, shuffle=True, transform=None, steps_per_epoch=None):
    """Batches of arrays that stay in memory, each example once an epoch.

    Args:
        arrays: a nest of arrays or tensors with the same first dimension N.
        batch_size: examples a batch; the last one of an epoch may be smaller.
        seed: integer; with the epoch it decides the order.
        shuffle: `False` keeps the order of the arrays.
        transform: optional function of (batch, epoch, indices [B]) to a batch, such as a fresh binarization.
        steps_per_epoch: batches that `fit` takes as an epoch, where these are not all of them. The dataset has no end
            then, and an iterator begins where one that began with epoch 0 would be.

    Returns:
        A `tf.data.Dataset` of batches, with the attribute `epoch` of `by_epoch`.
    """
    tensors = tf.nest.map_structure(resident, arrays)
    size = int(tf.nest.flatten(tensors)[0].shape[0])
    num_batches = -(-size // batch_size)

    @tf.autograph.experimental.do_not_convert
    def one_epoch(epoch):
        order = permutation(size, seed, epoch) if shuffle else tf.range(size, dtype=tf.int64)

        def take(indices):
            batch = tf.nest.map_structure(lambda t: tf.gather(t, indices), tensors)
            return batch if transform is None else transform(batch, epoch, indices)

        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size).map(take, num_parallel_calls=2).prefetch(4)

    @tf.autograph.experimental.do_not_convert
    def without_end(epoch):
        position = epoch * steps_per_epoch
        epochs = tf.data.Dataset.range(position // num_batches, tf.int64.max)
        return epochs.flat_map(one_epoch).skip(position % num_batches)

    if steps_per_epoch is not None:
        return by_epoch(without_end)
    return by_epoch(one_epoch, cardinality=num_batches)


class EpochSetter(keras.callbacks.Callback):
    """Knows the epoch, and tells datasets made by `by_epoch` which comes next; validation always sees the first.

    Args:
        training: the attribute `epoch` of the training dataset, or `None`.
        validation: the same of the validation dataset.
    """

    epoch = None  # counted from 1

    def __init__(self, training=None, validation=None):
        super().__init__()
        self.training = training
        self.validation = validation

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1
        if self.training is not None:
            self.training.assign(epoch)

    def on_test_begin(self, logs=None):
        if self.validation is not None:
            self.validation.assign(0)

    def on_train_end(self, logs=None):
        self.epoch = None
