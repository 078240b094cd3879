"""The batches of a `tf.data.Dataset`, stacked for the engine."""

import tensorflow as tf


def stacked(dataset, steps):
    """The batches of a dataset in the form of `engine.stacks`, epoch by epoch.

    Args:
        dataset: `tf.data.Dataset` of (x, condition, weight) with `None` for what is absent. Its batches may differ in
            size: smaller ones are filled up to the largest so far with their own rows, of weight 0.
        steps: steps a stack, K. The last stack of an epoch is filled up with steps that are not run.

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

    return dataset.map(named).padded_batch(steps).scan(tf.constant(0), fill).prefetch(1)


def fitting(steps, most):
    """The largest divisor of `steps` that is at most `most`: stacks of this length end where an epoch ends."""
    return max(divisor for divisor in range(1, min(steps, most) + 1) if steps % divisor == 0)
