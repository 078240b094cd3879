"""Weights and pairs of rows, for terms over the whole batch."""

import tensorflow as tf


def shares(weight: tf.Tensor | None, num: int | tf.Tensor) -> tf.Tensor:
    """Returns the weight of each row in a mean over the batch.

    Args:
        weight: tensor [B], or `None` for equal weights.
        num: number of rows, B; an integer or a tensor.

    Returns:
        float32 tensor [B] that sums to 1; all 0 if no row counts, as in a padding batch.

    Example:
        >>> shares(tf.constant([1.0, 3.0, 0.0]), 3).numpy()
        array([0.25, 0.75, 0.  ], dtype=float32)
    """
    weight = tf.ones([num]) if weight is None else weight
    return tf.math.divide_no_nan(weight, tf.reduce_sum(weight))


def same_example(num: int | tf.Tensor, copies: int) -> tf.Tensor:
    """Returns which rows belong to the same example, in a batch of `copies` repetitions of all examples.

    Args:
        num: number of rows, B; an integer or a tensor.
        copies: number of rows per example.

    Returns:
        float32 tensor [B, B] of 1 and 0.

    Example:
        >>> same_example(4, 2).numpy()[0]
        array([1., 0., 1., 0.], dtype=float32)
    """
    example = tf.range(num) % (num // copies)
    return tf.cast(example[:, tf.newaxis] == example, tf.float32)


def to_rows(statistic: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Broadcasts a scalar to the rows [B] of `like`. Adding it to every loss adds it to their mean."""
    return tf.fill(tf.shape(like), statistic)
