"""Data sets with random access by index."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from keras_ae.datasets.catalogue import DatasetInfo
from keras_ae.datasets.splits import split_indices

if TYPE_CHECKING:
    import tensorflow as tf


class IndexedSource:
    """Base class of sources whose examples can be read in any order.

    Indices count through the splits in order. A subclass defines `read`.

    Args:
        info: the `DatasetInfo`.
    """

    def __init__(self, info: DatasetInfo):
        self.info = info

    def read(self, indices: np.ndarray) -> tuple:
        """Returns (x, y) of the examples with these indices, int64 [B]; y is an array, a dict of arrays, or `None`."""
        raise NotImplementedError

    def indices(self, split: str) -> np.ndarray:
        """Returns the indices of a split's examples, int64 [N]."""
        return split_indices(split, self.info.splits, self.info.name)

    def size(self, split: str) -> int:
        """Returns the number of examples in a split."""
        return len(self.indices(split))

    def load(self, split: str) -> tuple:
        """Returns (x, y) of a whole split."""
        return self.read(self.indices(split))

    def batch_reader(self, split: str) -> "Callable[[tf.Tensor], tuple]":
        """Returns a function for `tf.data` graphs from positions in the split, int64 [B], to (x, y)."""
        import tensorflow as tf

        indices = self.indices(split)
        example = self.read(indices[:1])
        leaves = [np.asarray(leaf) for leaf in tf.nest.flatten(_without_none(example))]

        def read(places):
            parts = self.read(indices[places])
            return [np.asarray(leaf) for leaf in tf.nest.flatten(_without_none(parts))]

        def in_graph(places):
            parts = tf.numpy_function(read, [places], [leaf.dtype for leaf in leaves], stateful=False)
            for part, leaf in zip(parts, leaves, strict=True):
                part.set_shape([None, *leaf.shape[1:]])
            packed = tf.nest.pack_sequence_as(_without_none(example), parts)
            return packed if len(packed) == 2 else (*packed, None)

        return in_graph

    def in_order(self, split: str, batch_size: int) -> "tf.data.Dataset":
        """Returns a `tf.data.Dataset` of batches (x, y) in the order of the split; without y, (x, None)."""
        import tensorflow as tf

        read = self.batch_reader(split)
        return tf.data.Dataset.range(self.size(split)).batch(batch_size).map(read, num_parallel_calls=2)

    @staticmethod
    def decode(x: "tf.Tensor", y: object) -> tuple:
        """Converts a batch of `in_order` to float32 images in [0, 1] and labels."""
        return x, y


def _without_none(example):
    return example if example[1] is not None else example[:1]
