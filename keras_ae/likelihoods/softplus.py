"""log(1 + exp(x)), in operations that keep its small values in LiteRT."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

_PORTABLE = contextvars.ContextVar("keras_ae_portable_softplus", default=False)


def softplus(x: tf.Tensor) -> tf.Tensor:
    """Returns log(1 + exp(x)).

    LiteRT computes TensorFlow's softplus and log1p as the logarithm of a rounded sum 1 + exp(x), which is 0 below -17.
    Where a graph is traced in `portable`, this has multiplications instead:

        log(1 + exp(x)) = max(x, 0) + log(1 + e),  e = exp(-|x|)
        log(1 + e) = 2 atanh(s) = 2 (s + s^3 / 3 + ... + s^15 / 15),  s = e / (2 + e) <= 1/3

    whose first omitted term is 1e-9 of the sum. It has no gradient at 0, and training does not use it.
    """
    if not _PORTABLE.get():
        return tf.nn.softplus(x)
    e = tf.exp(-tf.abs(x))
    s = e / (2.0 + e)
    square, terms = s * s, tf.zeros_like(s)
    for power in range(15, 1, -2):
        terms = square * (1.0 / power + terms)
    return tf.maximum(x, 0.0) + 2.0 * s * (1.0 + terms)


def one_minus_exp(x: tf.Tensor) -> tf.Tensor:
    """Returns 1 - exp(-x), which LiteRT computes as a difference where it is not written as a product."""
    if not _PORTABLE.get():
        return -tf.math.expm1(-x)
    return tf.tanh(0.5 * x) * (1.0 + tf.exp(-x))


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Context in which graphs are traced for LiteRT."""
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)
