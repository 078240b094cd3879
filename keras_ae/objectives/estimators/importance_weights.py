"""Bounds of importance weights, and gradients that flow only through the codes.

Log-weights have shape [M * K, B]: M groups of K samples for each of B examples.
"""

import tensorflow as tf

from keras_ae.distribution import tfd


def mean_bound(log_weights: tf.Tensor, num_groups: int = 1) -> tf.Tensor:
    """Returns the mean over groups of log 1/K sum_k w_k: [B]."""
    groups = _grouped(log_weights, num_groups)
    size = tf.cast(tf.shape(groups)[1], tf.float32)
    return tf.reduce_mean(tf.reduce_logsumexp(groups, axis=1), axis=0) - tf.math.log(size)


def normalized(log_weights: tf.Tensor, num_groups: int = 1) -> tf.Tensor:
    """Returns w_k / sum_j w_j within each group: [M * K, B]."""
    return tf.reshape(tf.nn.softmax(_grouped(log_weights, num_groups), axis=1), tf.shape(log_weights))


def scale_gradient_later(z: tf.Tensor, factors: list[tf.Tensor]) -> tf.Tensor:
    """Returns z with a gradient that is multiplied by a tensor that is not known yet.

    Args:
        z: tensor.
        factors: empty list, to which the caller appends the tensor before gradients are computed.
    """

    @tf.custom_gradient
    def identity(z):
        return tf.identity(z), lambda upstream: upstream * factors[0]

    return identity(z)


def through_codes(values: tf.Tensor, slope: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """Returns values [..., B] whose gradients flow only through z [..., B, D], with their slope dvalues/dz."""
    return tf.stop_gradient(values) + tf.reduce_sum(tf.stop_gradient(slope) * (z - tf.stop_gradient(z)), axis=-1)


def log_prob_slope(q: tfd.Distribution, z: tf.Tensor) -> tf.Tensor:
    """Returns d log q(z) / d z with the parameters of q fixed, [..., B, D]; inverts a flow."""
    code = tf.stop_gradient(z)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(code)
        log_prob = q.log_prob(code)
    return tape.gradient(log_prob, code)


def _grouped(log_weights, num_groups):
    """Returns the log-weights as [M, K, B]."""
    return tf.reshape(log_weights, tf.concat([[num_groups, -1], tf.shape(log_weights)[1:]], axis=0))
