"""The order of the examples: a pure function of the seed and the epoch.

In Keras and `tf.data`, the order depends on the state of a generator, so a resumed run sees another order than an
uninterrupted one, and after `keras.utils.set_random_seed` every epoch has the same order.
"""

import keras
import tensorflow as tf

from keras_ae.training.zero_copy import resident


def permutation(size, seed, epoch):
    """Returns the order of the examples in one epoch: int64 tensor [size]."""
    seeds = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)])
    return tf.random.experimental.stateless_shuffle(tf.range(size, dtype=tf.int64), seed=seeds)


def by_epoch(make, cardinality=None):
    """Makes a dataset whose elements are a pure function of the epoch.

    Args:
        make: function of the epoch, an int64 tensor [], that returns a `tf.data.Dataset`.
        cardinality: number of elements per epoch, if it is known.

    Returns:
        A `tf.data.Dataset` with an attribute `epoch`, a `tf.Variable`. Every iterator reads it and adds 1. `fit` sets
        it at the start of each epoch, so a resume is exact; a custom loop may assign it.

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
    """Makes batches of arrays in memory, with each example once per epoch.

    Args:
        arrays: a nest of arrays or tensors with the same first dimension N.
        batch_size: examples per batch; the last batch of an epoch may be smaller.
        seed: integer seed of the order of each epoch.
        shuffle: `False` keeps the order of the arrays.
        transform: function of (batch, epoch, indices [B]) that returns a batch, such as a new binarization, or `None`.
        steps_per_epoch: batches per epoch of `fit`, if not all. The dataset is then infinite, and a new iterator
            continues with the batches that follow the previous epochs.

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
    """Sets the `epoch` of datasets made by `by_epoch`; validation always sees epoch 0.

    Args:
        training: the variable `epoch` of the training dataset, or `None`.
        validation: the variable `epoch` of the validation dataset, or `None`.
    """

    epoch = None  # counted from 1
    has_begun = False  # whether an epoch has begun

    def __init__(self, training=None, validation=None):
        super().__init__()
        self.training = training
        self.validation = validation

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.has_begun = epoch + 1, True
        if self.training is not None:
            self.training.assign(epoch)

    def on_test_begin(self, logs=None):
        if self.validation is not None:
            self.validation.assign(0)

    def on_train_end(self, logs=None):
        self.epoch = None
