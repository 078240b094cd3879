"""The batches of a `tf.data.Dataset`, stacked for the engine."""

import tensorflow as tf


def stacked(dataset, steps, steps_per_epoch=None):
    """The batches of a dataset in the form of `engine.stacks`, epoch by epoch.

    Args:
        dataset: `tf.data.Dataset` of (x, condition, weight) with `None` for what is absent. Its batches may differ in
            size: smaller ones are filled up to the largest so far with their own rows, of weight 0.
        steps: steps a stack, K. The last stack of an epoch is filled up with steps that are not run.
        steps_per_epoch: batches after which an epoch ends; all of them unless given.

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
    """Stacks of at most `steps` batches, of which none reaches over the end of an epoch."""
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
