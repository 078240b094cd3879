"""Shapes of values and parameters, for distributions whose networks take matrices."""

import tensorflow as tf


def over_batch(distribution: tf.Module, value: tf.Tensor) -> tf.Tensor:
    """A value [..., *event], broadcast over the batch shape of its distribution."""
    shape = tf.concat([distribution.batch_shape_tensor(), distribution.event_shape_tensor()], axis=0)
    return value + tf.zeros(shape, value.dtype)


def rows(value: tf.Tensor) -> tf.Tensor:
    """A vector [D] as the matrix [1, D] that a network takes; more axes stay as they are."""
    return value[tf.newaxis] if len(value.shape) == 1 else value
