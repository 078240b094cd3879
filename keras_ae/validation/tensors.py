"""The doors inside a graph, for streams and servers: a wrong value fails with INVALID_ARGUMENT and a sentence."""

import tensorflow as tf

from keras_ae.validation.arguments import Support


def guard(x, name, *, support=None, advice=""):
    """Returns the float tensor `x`, and fails when it runs where a value is not finite or out of range.

    Args:
        x: float tensor.
        name: what to call it in the sentence.
        support: the `Support` (low, high[, whole]) that the values must keep to, or `None` for all finite numbers.
        advice: a sentence to add where values are out of range.
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
    """Returns `tensor`, and fails with the sentence when it runs where not all of the boolean tensor `valid` is true.

    Args:
        tensor: what to return.
        valid: boolean tensor.
        sentence: what must hold.
        received: a numeric tensor of which the extremes are added to the sentence.
    """
    data = [sentence]
    if received is not None:
        data += ["Received: values from", tf.reduce_min(received), "to", tf.reduce_max(received)]
    with tf.control_dependencies([tf.raw_ops.Assert(condition=tf.reduce_all(valid), data=data)]):
        return tf.identity(tensor)
