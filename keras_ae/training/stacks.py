"""Stacks of batches: many training steps in one call.

Keras runs one step per call. Here one compiled program runs the steps of a whole stack, with no Python between steps.
Arrays stay in memory: a stack holds the indices of its examples, and each step gathers its batch. Batches of a stream
are stacked (`stacked`). Examples of weight 0 fill the last batch of an epoch, and steps that do not run fill the last
stack, so there is one shape and one compilation.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ae.training.nan_guard import all_finite
from keras_ae.training.shared_programs import SharedProgram
from keras_ae.training.shuffling import permutation
from keras_ae.training.zero_copy import resident

_STACK_BYTES = 64 * 2**20
_MOST_STEPS = 128


class Batch(NamedTuple):
    """The data of a step: x [B, ...], condition and weights [B] or `None`, and the number of examples that count."""

    x: Any
    condition: Any
    weight: Any
    count: Any

    @classmethod
    def of(cls, data):
        """Converts a `Batch`, the form of `Filling`, or the form of Keras: x, (x, condition[, weight])."""
        if isinstance(data, cls):
            return data
        x, condition, weight = keras.utils.unpack_x_y_sample_weight(data)
        if isinstance(x, dict):
            return cls(x["x"], x.get("condition"), x["weight"], x["count"][0])
        return cls(x, condition, weight, tf.shape(x)[0])


def steps_per_call(num_steps, batch_bytes):
    """Returns the steps per call: up to 64 MiB of examples, at most 128, in calls of equal length."""
    most = int(np.clip(_STACK_BYTES // max(1, batch_bytes), 1, _MOST_STEPS))
    return -(-num_steps // -(-num_steps // most))


class Stacks:
    """Stacks of batches of arrays in memory, epoch after epoch.

    Args:
        arrays: dictionary of nests of arrays [N, ...]: `"x"`, and `"condition"` and `"weight"` where there are any.
        batch_size: examples per step, B.
        steps: steps per stack, K.
        seed: integer seed of the order of each epoch.
        shuffle: `False` keeps the order of the arrays.
        endless: `False` for a single epoch.
        steps_per_epoch: steps per epoch of `fit`; by default all batches. A stack never extends past its end.

    Elements are {"arrays": the arrays, "places": indices [K, B], "weight": [K, B], "count": [K] examples that count in
    each batch, "steps": [] steps to run}. A new iterator starts at the epoch in the variable `epoch`, with the batches
    of an iterator that started at epoch 0 and has arrived there.
    """

    def __init__(self, arrays, batch_size, steps, *, seed=0, shuffle=True, endless=True, steps_per_epoch=None):
        self.tensors = tf.nest.map_structure(resident, arrays)
        self.weights = self.tensors.pop("weight", None)
        self.size = int(tf.nest.flatten(self.tensors)[0].shape[0])
        self.batch_size, self.steps = batch_size, steps
        self.seed, self.shuffle, self.endless = seed, shuffle, endless
        self.num_batches = -(-self.size // batch_size)
        self.steps_per_epoch = steps_per_epoch or self.num_batches
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")

    def __iter__(self):
        epoch, batch = divmod(int(self.epoch) * self.steps_per_epoch, self.num_batches)
        return StackIterator(self._from(epoch, batch))

    def _from(self, epoch, batch):
        """Yields stacks, starting at a batch of an epoch of the arrays; epochs of `fit` may end at other batches."""
        order = self._order(epoch)
        while True:
            for first in range(0, self.steps_per_epoch, self.steps):
                num = min(self.steps, self.steps_per_epoch - first)
                places, present = [], []
                while len(places) < num:
                    if batch == self.num_batches:
                        epoch, batch = epoch + 1, 0
                        order = self._order(epoch)
                    taken = min(num - len(places), self.num_batches - batch)
                    rows = np.arange(batch * self.batch_size, (batch + taken) * self.batch_size)
                    places.extend(order[rows % self.size].reshape(taken, -1))
                    present.extend((rows < self.size).reshape(taken, -1))
                    batch += taken
                yield self._stack(np.array(places, np.int32), np.array(present), num)
            if not self.endless:
                return

    def _order(self, epoch):
        return permutation(self.size, self.seed, epoch).numpy() if self.shuffle else np.arange(self.size)

    def _stack(self, places, present, num):
        """Returns a stack, given the indices of its examples and whether they count, both [num, B]."""
        more = (0, self.steps - num)
        weight = np.pad(present.astype(np.float32), (more, (0, 0)))
        places = np.pad(places, (more, (0, 0)), mode="edge")
        if self.weights is not None:
            weight *= self.weights.numpy()[places]
        return {
            "arrays": self.tensors,
            "places": tf.constant(places),
            "weight": tf.constant(weight),
            "count": tf.constant(np.pad(present.sum(axis=1), more).astype(np.int32)),
            "steps": tf.constant(num),
        }


class StackIterator:
    """An iterator of stacks, marked by its type for the training function."""

    def __init__(self, stacks):
        self.stacks = stacks

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.stacks)


def is_stacked(iterator):
    """Whether an iterator yields stacks, of arrays or of a stream."""
    if isinstance(iterator, StackIterator):
        return True
    spec = getattr(iterator, "element_spec", None)
    return isinstance(spec, dict) and "steps" in spec


def looped(step, results, watched, *, jit_compile):
    """Returns a function of a stack that runs its steps in sequence.

    Args:
        step: function of a `Batch` that updates variables.
        results: function that returns the metrics.
        watched: function that returns the tensors that must stay finite.
        jit_compile: whether XLA compiles the loop; models with equal loops share the program.

    Returns:
        Function of a stack that returns (metrics, whether everything is finite).
    """

    @tf.function(jit_compile=jit_compile, autograph=False)
    def run(stack):
        def body(i):
            step(batch_of(stack, i))
            return (i + 1,)

        if stack["weight"].shape[0] == 1:  # a single step needs no loop
            step(batch_of(stack, 0))
        else:
            tf.while_loop(lambda i: i < stack["steps"], body, (tf.constant(0, stack["steps"].dtype),))
        return results(), all_finite(watched())

    return SharedProgram(run) if jit_compile else run


def batch_of(stack, i):
    """Returns the `Batch` of step i of a stack."""
    if "places" in stack:
        examples = tf.nest.map_structure(lambda t: tf.gather(t, stack["places"][i]), stack["arrays"])
    else:
        examples = {
            key: tf.nest.map_structure(lambda t: t[i], stack[key]) for key in ("x", "condition") if key in stack
        }
    return Batch(examples["x"], examples.get("condition"), stack["weight"][i], stack["count"][i])


def stacked(dataset, steps, steps_per_epoch=None):
    """Returns stacks of the batches of a dataset.

    Args:
        dataset: `tf.data.Dataset` of (x, condition, weight) with `None` for missing parts. Smaller batches are filled
            up to the largest size so far, with copies of their rows that have weight 0.
        steps: steps per stack, K. Steps that do not run fill the last stack of an epoch.
        steps_per_epoch: batches per epoch; by default all.

    Returns:
        A `tf.data.Dataset` of {"x": [K, B, ...], "condition", "weight": [K, B], "count": [K], "steps": []}.
    """

    def named(x, condition, weight):
        num = tf.shape(x)[0]
        weight = tf.ones([num]) if weight is None else tf.reshape(tf.cast(weight, tf.float32), [-1])
        batch = {"x": x, "weight": weight, "count": num}
        return batch if condition is None else {**batch, "condition": condition}

    def fill(largest, stack):
        counts, num = stack.pop("count"), tf.shape(stack["x"])[0]
        largest = tf.maximum(largest, tf.shape(stack["x"])[1])
        places = tf.range(largest)[tf.newaxis]
        rows = places % tf.maximum(counts, 1)[:, tf.newaxis]  # [k, B], rows of the same batch
        which = tf.range(steps) % num  # [K], batches of the same stack

        def take(values):
            values = tf.gather(tf.gather(values, rows, batch_dims=1), which)
            return tf.ensure_shape(values, [steps, *values.shape[1:]])

        filled = tf.nest.map_structure(take, stack)
        present = tf.cast(places < counts[:, tf.newaxis], tf.float32)
        filled["weight"] *= tf.gather(present, which)
        filled["count"] = tf.ensure_shape(tf.gather(counts, which), [steps])
        return largest, {**filled, "steps": num}

    return _cut(dataset.map(named), steps, steps_per_epoch).scan(tf.constant(0), fill).prefetch(1)


def _cut(dataset, steps, steps_per_epoch):
    """Groups batches into stacks of at most `steps`, which do not extend past the end of an epoch."""
    if steps_per_epoch is None or steps_per_epoch % steps == 0:
        return dataset.padded_batch(steps)
    per_epoch = -(-steps_per_epoch // steps)

    def which(i, batch):
        return i // steps_per_epoch * per_epoch + i % steps_per_epoch // steps

    def length(stack):
        return tf.minimum(tf.constant(steps, tf.int64), steps_per_epoch - stack % per_epoch * steps)

    def stack(_, part):
        return part.map(lambda i, batch: batch).padded_batch(steps)

    return dataset.enumerate().group_by_window(which, stack, window_size_func=length)
