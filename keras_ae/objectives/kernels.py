"""Kernels k(a, b) of the squared distance between two points, and the discrepancy that they measure.

Each is a mean over several scales, so that it tells far codes from near ones at any distance, and k(a, a) = 1.
"""

import tensorflow as tf

from keras_ae.objectives.batch_weights import same_example


def inverse_multiquadric(squared, scale):
    """C / (C + |a - b|^2) for the scale C; it falls slowly, so that codes that lie far out feel it too."""
    return scale / (scale + squared)


def gaussian(squared, scale):
    """exp(-|a - b|^2 / C) for the scale C."""
    return tf.exp(-squared / scale)


KERNELS = {"imq": inverse_multiquadric, "rbf": gaussian}


def squared_discrepancy(a, b, kernel, scales, share, copies=1, *, paired=False):
    """The squared maximum mean discrepancy between two distributions of which a and b are samples.

        sum_{i != j} w_ij (k(a_i, a_j) + k(b_i, b_j)) - 2 sum_ij s_i s_j k(a_i, b_j)

    w_ij is s_i s_j, divided by the sum of these over i != j, which means rows of different examples. Where a_i and b_i
    are of one condition, they are a pair that tells nothing of the distributions as a whole: the last sum is one of
    w_ij over i != j too. The estimate is unbiased, and may be negative: its mean is 0 where the distributions are the
    same.

    Args:
        a, b: float32 tensors [B, D].
        kernel: function of squared distances and a scale.
        scales: the scales.
        share: how much each row counts, tensor [B] that adds up to 1.
        copies: how many rows each example has, as in `Objective`.
        paired: whether b_i depends on example i, as draws of a p(z|c) do.

    Returns:
        float32 tensor []; 0 where fewer than two examples count.

    References:
        Gretton et al. 2012, "A kernel two-sample test", JMLR 13, lemma 6.
    """
    weights = share[:, tf.newaxis] * share
    apart = weights * (1.0 - same_example(tf.shape(share)[0], copies))
    total = tf.reduce_sum(apart)
    apart = tf.math.divide_no_nan(apart, total)
    within = tf.reduce_sum(apart * (_mean(a, a, kernel, scales) + _mean(b, b, kernel, scales)))
    across = tf.reduce_sum((apart if paired else weights) * _mean(a, b, kernel, scales))
    return tf.where(total > 0.0, within - 2.0 * across, 0.0)


def _mean(a, b, kernel, scales):
    """The mean over the scales of k(a_i, b_j): [B, B]."""
    squared = tf.reduce_sum(tf.square(a), axis=-1)[:, tf.newaxis] + tf.reduce_sum(tf.square(b), axis=-1)
    squared = tf.maximum(squared - 2.0 * tf.linalg.matmul(a, b, transpose_b=True), 0.0)
    return tf.add_n([kernel(squared, scale) for scale in scales]) / len(scales)
