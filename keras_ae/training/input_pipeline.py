"""How data reach the training function: stacked for the engine wherever that is possible."""

import math
import sys
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ae.training.data_adapter import filled
from keras_ae.training.replication import WholeBatches
from keras_ae.training.shuffling import batches
from keras_ae.training.stacks import Stacks, stacked, steps_per_call


class Arrays(NamedTuple):
    """Checked arrays: x [N, *event], and a condition and weights [N], or `None`."""

    x: Any
    condition: Any = None
    weight: Any = None

    def split(self, fraction):
        """Cuts the last part off for validation, as Keras does: (`Arrays`, tuple of arrays)."""
        if not 0 < fraction < 1:
            raise ValueError(f"`validation_split` must be in [0, 1). Received: {fraction}")
        cut = int(len(self.x) * (1 - fraction))
        if cut in (0, len(self.x)):
            raise ValueError(
                f"`validation_split` must leave examples on both sides. Received: {fraction} of {len(self.x)} examples"
            )

        def part(rows):
            return (None if a is None else tf.nest.map_structure(lambda t: t[rows], a) for a in self)

        return Arrays(*part(slice(None, cut))), tuple(part(slice(cut, None)))

    def num_batches(self, batch_size):
        return -(-len(self.x) // batch_size)


class Feed(NamedTuple):
    """Where examples come from, and how they are wanted.

    Args:
        source: `Arrays`, a checked `tf.data.Dataset`, or a checked generator or `PyDataset`.
        steps: batches an epoch, as the user asked for, or `None`.
        batch_size: examples a batch, for arrays.
    """

    source: Any
    steps: int | None
    batch_size: int

    @property
    def num_examples(self):
        """How many examples an epoch has: exact of arrays, of a dataset as if all batches were as large as the first.

        `None` where that is not known.
        """
        if isinstance(self.source, Arrays):
            return len(self.source.x)
        num = int(self.source.cardinality()) if isinstance(self.source, tf.data.Dataset) else -1
        if num < 1:
            return None
        return num * len(tf.nest.flatten(next(iter(self.source)))[0])

    @property
    def stackable(self):
        """Whether its batches can be stacked: those of arrays, and of a dataset whose epochs end."""
        if isinstance(self.source, tf.data.Dataset):
            return bool(self.steps) or self.source.cardinality() != tf.data.INFINITE_CARDINALITY
        return isinstance(self.source, Arrays)

    @property
    def has_length(self):
        """Whether it is known how many batches an epoch has; of a dataset of unknown length, stacks have one batch."""
        return self.stackable and (
            isinstance(self.source, Arrays) or bool(self.steps) or self.source.cardinality() >= 0
        )

    def steps_per_call(self, wanted):
        """How many steps to stack: at most `wanted` (`"auto"`: as many as fit), and no more than there are."""
        in_memory = isinstance(self.source, Arrays)
        num = self.source.num_batches(self.batch_size) if in_memory else int(self.source.cardinality())
        available = self.steps or max(1, num)
        if wanted == "auto":
            size = self.source.x[0].nbytes * self.batch_size if in_memory else _batch_bytes(self.source)
            return steps_per_call(available, size)
        return min(wanted, available)

    def for_training(self, per_call, *, seed, shuffle):
        """(data, steps an epoch) for Keras' loop, with `per_call` steps a stack, or single batches for `None`."""
        if isinstance(self.source, Arrays):
            if per_call is None:
                return self._batches(seed, shuffle, self.steps), self.steps
            order = {"seed": seed, "shuffle": shuffle, "steps_per_epoch": self.steps}
            data = Stacks(self._present(), self.batch_size, per_call, **order)
            return WholeBatches(data, per_call), self.steps or self.source.num_batches(self.batch_size)
        if per_call is None:
            return self._one_by_one(), self.steps
        num = int(self.source.cardinality())
        num_batches = num if num >= 0 else None
        data = stacked(self.source, per_call, self.steps)
        return WholeBatches(data, per_call, num_batches, self.source), self.steps

    def for_evaluation(self, per_call):
        """The same for one pass in the order of the data."""
        if isinstance(self.source, Arrays):
            if per_call is None:
                return self._batches(0, False), self.steps
            num = min(self.steps or sys.maxsize, self.source.num_batches(self.batch_size))
            arrays = tf.nest.map_structure(lambda t: t[: num * self.batch_size], self._present())
            data = Stacks(arrays, self.batch_size, per_call, shuffle=False, endless=False)
            return WholeBatches(data, per_call, num), None
        if per_call is None:
            return self._one_by_one(), self.steps
        source = self.source if self.steps is None else self.source.take(self.steps)
        num = int(source.cardinality())
        return WholeBatches(stacked(source, per_call), per_call, num if num >= 0 else self.steps, self.source), None

    def _one_by_one(self):
        return self.source if isinstance(self.source, tf.data.Dataset) else filled(self.source)

    def _batches(self, seed, shuffle, steps_per_epoch=None):
        def in_order(batch, epoch, indices):
            return batch["x"], batch.get("condition"), batch.get("weight")

        order = {"seed": seed, "shuffle": shuffle, "steps_per_epoch": steps_per_epoch}
        return batches(self._present(), self.batch_size, transform=in_order, **order)

    def _present(self):
        named = zip(("x", "condition", "weight"), self.source, strict=True)
        return {name: array for name, array in named if array is not None}


def _batch_bytes(dataset):
    """What a batch of a stream weighs; where its specification leaves the size open, the first batch tells it."""
    parts = _tensors(dataset.element_spec)
    if not all(part.shape.is_fully_defined() for part in parts):
        parts = _tensors(next(iter(dataset), ()))
    added = 4 * (parts[0].shape[0] + 1) if parts else 0  # a weight for each row, and their number
    return added + sum(math.prod(part.shape) * part.dtype.size for part in parts)


def _tensors(batch):
    return [part for part in tf.nest.flatten(batch) if hasattr(part, "dtype")]  # not `None`, nor what stands for it
