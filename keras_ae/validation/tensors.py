"""Validation inside a graph, for streams and servers: an invalid value fails with INVALID_ARGUMENT and a message."""

import tensorflow as tf

from keras_ae.validation.arguments import Support


def guard(x, name, *, support=None, advice=""):
    """Returns the float tensor `x`, and fails at run time if a value is not finite or out of range.

    Args:
        x: float tensor.
        name: name of the data in the message.
        support: the `Support` (low, high[, whole]) of the values, or `None` for all finite numbers.
        advice: a sentence to add if values are out of range.
    """
    if support is None:
        return require(x, tf.math.is_finite(x), f"`{name}` must be finite.", x)
    support = Support(*support)
    valid = tf.math.is_finite(x) & (x >= support.low) & (x <= support.high)
    if support.whole:
        valid &= x == tf.round(x)
    hint = " Divide 8-bit images by 255." if support[:2] == (0.0, 1.0) else ""
    advice = f" {advice}" if advice else ""
    return require(x, valid, f"`{name}` must be finite and {support}.{hint}{advice}", x)


def require(tensor, valid, sentence, received=None):
    """Returns `tensor`, and fails with a message at run time unless all of the boolean tensor `valid` is true.

    Args:
        tensor: the tensor to return.
        valid: boolean tensor.
        sentence: the requirement.
        received: a numeric tensor whose extremes are added to the message.
    """
    data = [sentence]
    if received is not None:
        data += ["Received: values from", tf.reduce_min(received), "to", tf.reduce_max(received)]
    with tf.control_dependencies([tf.raw_ops.Assert(condition=tf.reduce_all(valid), data=data)]):
        return tf.identity(tensor)
