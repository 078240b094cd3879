"""Data sets with random access by index."""

import numpy as np

from keras_ae.datasets.splits import split_numbers


class IndexedSource:
    """Base class of sources whose examples can be read in any order.

    Indices count through the splits in order. A subclass defines `read`.

    Args:
        info: the `DatasetInfo`.
    """

    random_access = True

    def __init__(self, info):
        self.info = info

    def read(self, numbers):
        """Returns (x, y) of the examples with these indices, int64 [B]; y is an array, a dict of arrays, or `None`."""
        raise NotImplementedError

    def numbers(self, split):
        """Returns the indices of a split's examples, int64 [N]."""
        return split_numbers(split, self.info.splits, self.info.name)

    def size(self, split):
        """Returns the number of examples in a split."""
        return len(self.numbers(split))

    def load(self, split):
        """Returns (x, y) of a whole split."""
        return self.read(self.numbers(split))

    def batch_reader(self, split):
        """Returns a function for `tf.data` graphs from positions in the split, int64 [B], to (x, y)."""
        import tensorflow as tf

        numbers = self.numbers(split)
        example = self.read(numbers[:1])
        leaves = [np.asarray(leaf) for leaf in tf.nest.flatten(_without_none(example))]

        def read(places):
            parts = self.read(numbers[places])
            return [np.asarray(leaf) for leaf in tf.nest.flatten(_without_none(parts))]

        def in_graph(places):
            parts = tf.numpy_function(read, [places], [leaf.dtype for leaf in leaves], stateful=False)
            for part, leaf in zip(parts, leaves, strict=True):
                part.set_shape([None, *leaf.shape[1:]])
            packed = tf.nest.pack_sequence_as(_without_none(example), parts)
            return packed if len(packed) == 2 else (*packed, None)

        return in_graph

    def in_order(self, split, batch_size):
        """Returns a `tf.data.Dataset` of batches (x, y) in the order of the split; without y, (x, None)."""
        import tensorflow as tf

        read = self.batch_reader(split)
        return tf.data.Dataset.range(self.size(split)).batch(batch_size).map(read, num_parallel_calls=2)

    @staticmethod
    def decode(x, y):
        """Converts a batch of `in_order` to float32 images in [0, 1] and labels."""
        return x, y


def _without_none(example):
    return example if example[1] is not None else example[:1]
