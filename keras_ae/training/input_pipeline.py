"""Feeds data to the training function: stacks of batches if possible, single batches otherwise."""

import math
import sys
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ae.training.replication import WholeBatches
from keras_ae.training.shuffling import batches
from keras_ae.training.stacks import Stacks, stacked, steps_per_call
from keras_ae.training.streams import filled


class Arrays(NamedTuple):
    """Checked arrays: x [N, *event], and a condition and weights [N], or `None`."""

    x: Any
    condition: Any = None
    weight: Any = None

    def split(self, fraction: float) -> tuple["Arrays", tuple]:
        """Splits off the last part for validation, as Keras does: (`Arrays`, tuple of arrays)."""
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


class Feed(NamedTuple):
    """Checked data, and how to cut them into steps.

    Args:
        source: `Arrays`, a `tf.data.Dataset`, or the result of `checked_batches`.
        steps: number of batches per epoch that the user asked for, or `None`.
        batch_size: examples per batch, for arrays.
    """

    source: Any
    steps: int | None
    batch_size: int

    @property
    def in_memory(self) -> bool:
        return isinstance(self.source, Arrays)

    @property
    def num_batches(self) -> int | None:
        """The number of batches of the source; `None` if it is unknown or infinite."""
        if self.in_memory:
            return -(-len(self.source.x) // self.batch_size)
        num = int(self.source.cardinality()) if isinstance(self.source, tf.data.Dataset) else -1
        return num if num >= 0 else None

    @property
    def num_examples(self) -> int | None:
        """The number of examples per epoch, or `None` if it is unknown.

        For datasets, the number of batches times the size of the first batch.
        """
        if self.in_memory:
            return len(self.source.x)
        return self.num_batches and self.num_batches * len(tf.nest.flatten(next(iter(self.source)))[0])

    @property
    def stackable(self) -> bool:
        """Whether batches can be stacked: arrays, and datasets with finite epochs."""
        if isinstance(self.source, tf.data.Dataset):
            return bool(self.steps) or self.source.cardinality() != tf.data.INFINITE_CARDINALITY
        return self.in_memory

    @property
    def has_length(self) -> bool:
        """Whether batches can be stacked and their number per epoch is known."""
        return self.stackable and (bool(self.steps) or self.num_batches is not None)

    def steps_per_call(self, wanted: int | str) -> int:
        """Returns how many steps to stack: at most `wanted`, or as many as fit for `"auto"`, and at most an epoch."""
        available = self.steps or max(1, self.num_batches or 1)
        if wanted != "auto":
            return min(wanted, available)
        size = self.source.x[0].nbytes * self.batch_size if self.in_memory else _batch_bytes(self.source)
        return steps_per_call(available, size)

    def for_training(self, per_call: int | None, *, seed: int, shuffle: bool) -> tuple[Any, int | None]:
        """Returns (data, steps per epoch) for Keras' loop: stacks of `per_call` steps, or single batches for `None`."""
        if per_call is None:
            return self._one_by_one(seed, shuffle), self.steps
        if not self.in_memory:
            data = stacked(self.source, per_call, self.steps)
            return WholeBatches(data, per_call, self.num_batches, self.source), self.steps
        order = {"seed": seed, "shuffle": shuffle, "steps_per_epoch": self.steps}
        data = Stacks(self._present(), self.batch_size, per_call, **order)
        return WholeBatches(data, per_call), self.steps or self.num_batches

    def for_evaluation(self, per_call: int | None) -> tuple[Any, int | None]:
        """As `for_training`, for one pass in the order of the data."""
        if per_call is None:
            return self._one_by_one(0, shuffle=False, evaluation=True), self.steps
        if not self.in_memory:
            source = self.source if self.steps is None else self.source.take(self.steps)
            num = int(source.cardinality())
            data = stacked(source, per_call)
            return WholeBatches(data, per_call, num if num >= 0 else self.steps, self.source), None
        num = min(self.steps or sys.maxsize, self.num_batches)
        arrays = tf.nest.map_structure(lambda t: t[: num * self.batch_size], self._present())
        data = Stacks(arrays, self.batch_size, per_call, shuffle=False, endless=False)
        return WholeBatches(data, per_call, num), None

    def _one_by_one(self, seed, shuffle, evaluation=False):
        if isinstance(self.source, tf.data.Dataset):
            return self.source
        if not self.in_memory:
            return filled(self.source)

        def in_order(batch, epoch, indices):
            return batch["x"], batch.get("condition"), batch.get("weight")

        order = {"seed": seed, "shuffle": shuffle, "steps_per_epoch": None if evaluation else self.steps}
        return batches(self._present(), self.batch_size, transform=in_order, **order)

    def _present(self):
        named = zip(("x", "condition", "weight"), self.source, strict=True)
        return {name: array for name, array in named if array is not None}


def _batch_bytes(dataset):
    """Returns the bytes of a batch; of the first batch if the element spec leaves the size open."""
    parts = _tensors(dataset.element_spec)
    if not all(part.shape.is_fully_defined() for part in parts):
        parts = _tensors(next(iter(dataset), ()))
    added = 4 * (parts[0].shape[0] + 1) if parts else 0  # a weight for each row, and their number
    return added + sum(math.prod(part.shape) * part.dtype.size for part in parts)


def _tensors(batch):
    return [part for part in tf.nest.flatten(batch) if hasattr(part, "dtype")]  # without `None` and `NoneTensorSpec`
