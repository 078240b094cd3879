"""Which deviance is usual for a code."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

_MOST_DIRECTIONS = 32  # of the codes, of which products are formed
_LEAST_VARIANCE = 1e-6  # of a direction, relative to the largest
_FARTHEST = 4.0  # standard deviations: beyond, a code counts as if it were there
_BELOW = 0.1  # of the lowest usual deviance: the smallest that counts
_MOST_ROWS = 40_000  # to fit, at most
_PENALTIES = np.logspace(-1, 4, 6)


class ExpectedDeviance(NamedTuple):
    """E[log deviance | code], by a ridge regression on the code and its products.

        u = clip((z - center) factors, -4, 4)
        E[log deviance | z] = intercept + u linear + u quadratic u'

    Some usual examples are harder to reconstruct than others: an eight has several times the deviance of a one. The
    arrays and the operations are such that LiteRT has them.

    Args:
        center: mean of usual codes, float32 [D].
        factors: directions of the largest variance, each divided by its standard deviation, float32 [D, P].
        intercept: float32 [].
        linear: float32 [P].
        quadratic: float32 [P, P].
        lowest: a smaller deviance counts as this one, float32 [].

    References:
        Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems".
    """

    center: np.ndarray
    factors: np.ndarray
    intercept: np.ndarray
    linear: np.ndarray
    quadratic: np.ndarray
    lowest: np.ndarray

    def __call__(self, codes: tf.Tensor) -> tf.Tensor:
        """Returns the expected logarithm of the deviance [B] of codes [B, D]."""
        u = tf.clip_by_value((codes - self.center) @ tf.constant(self.factors), -_FARTHEST, _FARTHEST)
        return self.intercept + tf.reduce_sum(u * (self.linear + u @ tf.constant(self.quadratic)), axis=-1)

    def relative(self, deviance: tf.Tensor, expected: tf.Tensor) -> tf.Tensor:
        """Returns log deviance - E[log deviance | code], both [B]."""
        return tf.math.log(tf.maximum(deviance, self.lowest)) - expected


def fit_expected_deviance(codes: np.ndarray, deviance: np.ndarray, seed: int) -> ExpectedDeviance:
    """Fits an `ExpectedDeviance`. Cross-validation chooses the penalty of the ridge regression.

    Args:
        codes: codes of usual examples [N, D].
        deviance: their deviances [N], at least 0, in nats.
        seed: integer seed of the sample, where there are more than 40,000.
    """
    from sklearn.linear_model import RidgeCV  # slow to import

    codes, deviance = np.asarray(codes, np.float64), np.asarray(deviance, np.float64)
    if len(codes) > _MOST_ROWS:
        rows = np.random.default_rng(seed).choice(len(codes), _MOST_ROWS, replace=False)
        codes, deviance = codes[rows], deviance[rows]
    lowest = max(_BELOW * deviance.min(), 1e-6)
    center = codes.mean(axis=0)
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(codes, rowvar=False, bias=True)))
    order = np.argsort(-variances)[:_MOST_DIRECTIONS]
    order = order[variances[order] > _LEAST_VARIANCE * max(variances.max(), 1e-30)]
    factors = directions[:, order] / np.sqrt(variances[order])
    u = np.clip((codes - center) @ factors, -_FARTHEST, _FARTHEST)
    first, second = np.triu_indices(len(order))
    features = np.concatenate([u, u[:, first] * u[:, second]], axis=1)
    logs = np.log(np.maximum(deviance, lowest))
    quadratic = np.zeros([len(order)] * 2)
    if not features.size:  # constant codes
        return ExpectedDeviance(*_float32(center, factors, logs.mean(), np.zeros(0), quadratic, lowest))
    fitted = RidgeCV(_PENALTIES).fit(features, logs)
    linear, quadratic[first, second] = fitted.coef_[: len(order)], fitted.coef_[len(order) :]
    return ExpectedDeviance(*_float32(center, factors, fitted.intercept_, linear, quadratic, lowest))


def _float32(*arrays):
    return (np.asarray(each, np.float32) for each in arrays)
