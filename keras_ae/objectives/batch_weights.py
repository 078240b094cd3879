"""The rows of a batch, where something is measured of the batch as a whole."""

import tensorflow as tf


def shares(weight, num):
    """How much each row counts in a mean over the batch.

    Args:
        weight: tensor [B], or `None` for all alike.
        num: number of rows, B; an integer or a tensor.

    Returns:
        float32 tensor [B] that adds up to 1; all 0 where no row counts, as in a batch that only fills a stack.

    Example:
        >>> shares(tf.constant([1.0, 3.0, 0.0]), 3).numpy()
        array([0.25, 0.75, 0.  ], dtype=float32)
    """
    weight = tf.ones([num]) if weight is None else weight
    return tf.math.divide_no_nan(weight, tf.reduce_sum(weight))


def same_example(num, copies):
    """Which rows are of the same example, where a batch has `copies` of each, one whole set after the other.

    Args:
        num: number of rows, B; an integer or a tensor.
        copies: how many rows each example has.

    Returns:
        float32 tensor [B, B] of 1 and 0.

    Example:
        >>> same_example(4, 2).numpy()[0]
        array([1., 0., 1., 0.], dtype=float32)
    """
    example = tf.range(num) % (num // copies)
    return tf.cast(example[:, tf.newaxis] == example, tf.float32)


def to_rows(statistic, like):
    """A number of the batch as one of each row: [B], as `like`. Added to every loss, it is added to their mean."""
    return tf.fill(tf.shape(like), statistic)
