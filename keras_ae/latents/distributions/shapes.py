"""Shape helpers for distributions whose networks take matrices."""

import tensorflow as tf

from keras_ae.distribution import tfd


def over_batch(distribution: tfd.Distribution, value: tf.Tensor) -> tf.Tensor:
    """Broadcasts a value [..., *event] over the batch shape of its distribution."""
    shape = tf.concat([distribution.batch_shape_tensor(), distribution.event_shape_tensor()], axis=0)
    return value + tf.zeros(shape, value.dtype)


def rows(value: tf.Tensor) -> tf.Tensor:
    """Reshapes a vector [D] to the matrix [1, D] that a network takes; other ranks are unchanged."""
    return value[tf.newaxis] if len(value.shape) == 1 else value
