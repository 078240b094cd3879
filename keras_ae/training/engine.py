"""The engine: many steps in one call, on data that stay in memory.

Keras runs one step a call, or a loop around calls. Here one program, compiled by XLA where the model wants it, runs the
steps of a whole stack: nothing of Python stands between two steps, and the compiler sees the whole loop. Arrays stay
where they are: a stack holds the places of its examples, and each step gathers its own. Batches of a stream are stacked
themselves (`stacking.py`). The last batch of an epoch is filled up to the size of the others with examples of weight 0,
and the last stack with steps that are not run, so that there is one shape and one compilation.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ae.training.epochs import permutation
from keras_ae.training.halting import all_finite

_STACK_BYTES = 64 * 2**20
_MOST_STEPS = 128


class Batch(NamedTuple):
    """What a step gets: x [B, ...], the condition and the weights [B] or `None`, and how many examples count."""

    x: Any
    condition: Any
    weight: Any
    count: Any

    @classmethod
    def of(cls, data):
        """A batch as it is, or one in the form of Keras: x, (x, condition) or (x, condition, weight)."""
        if isinstance(data, cls):
            return data
        x, condition, weight = keras.utils.unpack_x_y_sample_weight(data)
        return cls(x, condition, weight, tf.shape(x)[0])


def steps_per_call(num_steps, batch_bytes):
    """How many steps to run in one call: as many as have 64 MiB of examples, at most 128, in calls of equal length."""
    most = int(np.clip(_STACK_BYTES // max(1, batch_bytes), 1, _MOST_STEPS))
    return -(-num_steps // -(-num_steps // most))


def stacks(arrays, batch_size, steps, *, seed=0, shuffle=True, endless=True):
    """Stacks of batches, epoch after epoch.

    Args:
        arrays: dictionary of nests of arrays [N, ...]: `"x"`, and `"condition"` and `"weight"` where there are any.
        batch_size: examples a step, B.
        steps: steps a stack, K.
        seed: integer; with the epoch it decides the order.
        shuffle: `False` keeps the order of the arrays.
        endless: `False` for a single epoch.

    Returns:
        A `tf.data.Dataset` of {"arrays": the arrays themselves, "places": [K, B], "weight": [K, B], "count": [K]
        examples that count in each batch, "steps": [] steps to run}, with an attribute `epoch`: the variable that a
        new iterator starts from.
    """
    tensors = tf.nest.map_structure(tf.convert_to_tensor, arrays)
    weights = tensors.pop("weight", None)
    size = int(tf.nest.flatten(tensors)[0].shape[0])
    per_stack = batch_size * steps
    start = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")

    def stack(order, first):
        num = tf.cast(tf.minimum(size - first, per_stack), tf.int32)
        indices = tf.gather(order, (first + tf.range(per_stack, dtype=tf.int64)) % size)
        weight = tf.cast(tf.range(per_stack) < num, tf.float32)
        if weights is not None:
            weight *= tf.gather(weights, indices)
        return {
            "arrays": tensors,
            "places": tf.reshape(tf.cast(indices, tf.int32), [steps, batch_size]),
            "weight": tf.reshape(weight, [steps, batch_size]),
            "count": tf.clip_by_value(num - batch_size * tf.range(steps), 0, batch_size),
            "steps": -(-num // batch_size),
        }

    def one_epoch(epoch):
        order = permutation(size, seed, epoch) if shuffle else tf.range(size, dtype=tf.int64)
        firsts = tf.data.Dataset.range(0, size, per_stack)
        return firsts.map(lambda first: stack(order, first))

    def from_start(_):
        epochs = tf.data.Dataset.counter(start.read_value())
        return (epochs if endless else epochs.take(1)).flat_map(one_epoch)

    dataset = tf.data.Dataset.from_tensors(0).flat_map(from_start).prefetch(2)
    dataset.epoch = start
    return dataset


def is_stacked(iterator):
    """Whether an iterator gives the elements of `stacks`."""
    spec = getattr(iterator, "element_spec", None)
    return isinstance(spec, dict) and "steps" in spec


def looped(step, results, variables, *, jit_compile):
    """A function of an element of `stacks` that runs its steps one after the other.

    Args:
        step: function of a `Batch` that updates variables.
        results: function that gives the metrics afterwards.
        variables: function that gives the variables that must stay finite.
        jit_compile: whether XLA compiles the loop.

    Returns:
        A function of a stack to (metrics, whether everything is finite).
    """

    @tf.function(jit_compile=jit_compile, autograph=False)
    def run(stack):
        def body(i):
            step(batch_of(stack, i))
            return (i + 1,)

        if stack["weight"].shape[0] == 1:  # no loop: it would be in the way of a strategy
            step(batch_of(stack, 0))
        else:
            tf.while_loop(lambda i: i < stack["steps"], body, (tf.constant(0, stack["steps"].dtype),))
        logs = results()
        return logs, all_finite([*logs.values(), *variables()])

    return run


def batch_of(stack, i):
    """The `Batch` of step i of a stack."""
    if "places" in stack:
        examples = tf.nest.map_structure(lambda t: tf.gather(t, stack["places"][i]), stack["arrays"])
    else:
        present = [key for key in ("x", "condition") if key in stack]
        examples = {key: tf.nest.map_structure(lambda t: t[i], stack[key]) for key in present}
    return Batch(examples["x"], examples.get("condition"), stack["weight"][i], stack["count"][i])
