"""Kernels k(a, b) of the squared distance between two points, and their maximum mean discrepancy.

Each is a mean over several scales, to resolve distances of any size, and k(a, a) = 1.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_ae.objectives.estimators.batch_weights import same_example


def inverse_multiquadric(squared: tf.Tensor, scale: float) -> tf.Tensor:
    """Inverse multiquadric kernel C / (C + |a - b|^2) with scale C, whose heavy tail gives outliers a gradient."""
    return scale / (scale + squared)


def gaussian(squared: tf.Tensor, scale: float) -> tf.Tensor:
    """Gaussian kernel exp(-|a - b|^2 / C) with scale C."""
    return tf.exp(-squared / scale)


KERNELS = {"imq": inverse_multiquadric, "rbf": gaussian}


def squared_discrepancy(
    a: tf.Tensor,
    b: tf.Tensor,
    kernel: Callable[[tf.Tensor, float], tf.Tensor],
    scales: Sequence[float],
    share: tf.Tensor,
    copies: int = 1,
    *,
    paired: bool = False,
) -> tf.Tensor:
    """Estimates the squared maximum mean discrepancy between two distributions from samples a and b.

        sum_{i != j} w_ij (k(a_i, a_j) + k(b_i, b_j)) - 2 sum_ij s_i s_j k(a_i, b_j)

    w_ij is s_i s_j, normalized over i != j, which means rows of different examples. If a_i and b_i share a condition,
    the pair is dependent, and the last sum also uses w_ij over i != j. The estimate is unbiased and may be negative:
    its mean is 0 for equal distributions.

    Args:
        a, b: float32 tensors [B, D].
        kernel: function of squared distances and a scale.
        scales: the scales.
        share: weight of each row, tensor [B] that sums to 1.
        copies: number of rows per example, as in `StepContext`.
        paired: whether b_i depends on example i, as draws from p(z|c) do.

    Returns:
        float32 tensor []; 0 if fewer than two examples count.

    References:
        Gretton et al. 2012, "A kernel two-sample test", JMLR 13, lemma 6.
    """
    weights = share[:, tf.newaxis] * share
    apart = weights * (1.0 - same_example(tf.shape(share)[0], copies))
    total = tf.reduce_sum(apart)
    # Far from the origin, the squares of `_mean` would lose the digits of the distances.
    center = tf.stop_gradient(tf.linalg.matvec(a + b, share, transpose_a=True) / 2.0)
    a, b = a - center, b - center
    apart = tf.math.divide_no_nan(apart, total)
    within = tf.reduce_sum(apart * (_mean(a, a, kernel, scales) + _mean(b, b, kernel, scales)))
    across = tf.reduce_sum((apart if paired else weights) * _mean(a, b, kernel, scales))
    return tf.where(total > 0.0, within - 2.0 * across, 0.0)


def _mean(a, b, kernel, scales):
    """Returns the mean over scales of k(a_i, b_j): [B, B]."""
    squared = tf.reduce_sum(tf.square(a), axis=-1)[:, tf.newaxis] + tf.reduce_sum(tf.square(b), axis=-1)
    squared = tf.maximum(squared - 2.0 * tf.linalg.matmul(a, b, transpose_b=True), 0.0)
    return tf.add_n([kernel(squared, scale) for scale in scales]) / len(scales)
