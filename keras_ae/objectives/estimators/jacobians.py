"""The squared Frobenius norm of a Jacobian, exact or by random projection."""

from collections.abc import Callable

import tensorflow as tf

from keras_ae import random


def squared_jacobian(
    function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor, *, seed: tf.Tensor, num_projections: int | None = None
) -> tf.Tensor:
    """Returns the squared Frobenius norm of dy/dx for each row, with gradients for the weights.

        exact:      sum_j |dy_j / dx|^2
        projected:  1/K sum_k |d(v_k y) / dx|^2,  v_k uniform on {-1, 1}^D

    The projections are unbiased, because E[v v'] = I, and cost one backward pass each; the exact norm costs one pass
    per value of y. Row i of y may depend only on row i of x.

    Args:
        function: function from x to y, a float32 tensor [B, ...].
        x: float32 tensor [B, ...].
        seed: int32 tensor [2].
        num_projections: K, or `None` for the exact norm.

    Returns:
        float32 tensor [B].

    References:
        Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines".
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
        y = tf.reshape(y, [tf.shape(y)[0], -1]) if y.shape.rank > 2 else y  # [B, D]
        if num_projections is not None:
            shape = tf.concat([[num_projections], tf.shape(y)], axis=0)
            signs = tf.where(random.stateless_uniform(shape, seed) < 0.5, -1.0, 1.0)
            projected = [tf.reduce_sum(signs[k] * y) for k in range(num_projections)]
    if num_projections is None:
        return _squared_norm(tape.batch_jacobian(y, x))
    norms = [_squared_norm(tape.gradient(value, x)) for value in projected]
    return tf.add_n(norms) / num_projections


def _squared_norm(tensor):
    """Returns the sum of squares of each row."""
    return tf.reduce_sum(tf.square(tensor), axis=range(1, tensor.shape.rank))
