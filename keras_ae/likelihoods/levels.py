"""Distributions over the evenly spaced levels 0, 1/(L-1), ..., 1, with a probability for each."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import Distribution, tfd
from keras_ae.likelihoods.softplus import one_minus_exp, softplus


class Levels(Distribution):
    """Base class of distributions over L levels in [0, 1]. Values between two levels count as the nearer level."""

    def __init__(self, levels: int, parameters: dict):
        self.levels = levels
        super().__init__(parameters)

    def index(self, x: tf.Tensor) -> tf.Tensor:
        """The level indices 0 ... L - 1, as floats."""
        return tf.clip_by_value(tf.round(tf.cast(x, tf.float32) * (self.levels - 1)), 0.0, self.levels - 1.0)

    def _log_probs(self):
        """log P of each level: [..., L]."""
        levels = tf.reshape(tf.linspace(0.0, 1.0, self.levels), [-1] + [1] * self.batch_shape.rank)
        log_probs = self._log_prob(levels)  # [L, ...]
        return tf.transpose(log_probs, [*range(1, len(log_probs.shape)), 0])

    def _cdf(self, x):
        below = tf.range(self.levels, dtype=tf.float32) <= x[..., tf.newaxis] * (self.levels - 1) + 1e-4  # rounding
        return tf.reduce_sum(tf.where(below, tf.exp(self._log_probs()), 0.0), axis=-1)

    def _variance(self):
        probs, levels = tf.exp(self._log_probs()), tf.linspace(0.0, 1.0, self.levels)
        mean = tf.reduce_sum(probs * levels, axis=-1, keepdims=True)
        return tf.reduce_sum(probs * (levels - mean) ** 2, axis=-1)

    def _mode(self):
        log_probs = self._log_probs()
        index = tf.argmax(tf.reshape(log_probs, [-1, self.levels]), axis=-1)  # at most seven axes on CPUs
        return tf.reshape(tf.cast(index, tf.float32), tf.shape(log_probs)[:-1]) / (self.levels - 1)

    def _entropy(self):
        log_probs = self._log_probs()
        return -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=-1)

    def _event_shape(self):
        return tf.TensorShape([])


class LogisticLevels(Levels):
    """A logistic variable, rounded to the nearest of L levels; the outer levels include the tails.

        P(x) = sigmoid((x + h - loc) / scale) - sigmoid((x - h - loc) / scale),  h = 1 / (2 (L - 1))

    Args:
        loc: tensor, in the units of x.
        scale: positive tensor of a shape that broadcasts with `loc`.
        levels: Python integer, L.
    """

    def __init__(self, loc: tf.Tensor, scale: tf.Tensor, levels: int, name: str = "LogisticLevels"):
        parameters = dict(locals())
        self.loc, self.scale = loc, scale
        super().__init__(levels, parameters)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"loc": tfp.util.ParameterProperties(), "scale": tfp.util.ParameterProperties()}

    def _log_prob(self, x):
        # With b and a the two arguments of sigmoid: P = sigmoid(b) sigmoid(-a) (1 - exp(a - b)). The last factor is
        # computed from b - a = 2 h / scale, so nothing cancels, however far x is from loc.
        index, last = self.index(x), self.levels - 1
        above = ((index + 0.5) / last - self.loc) / self.scale
        below = ((index - 0.5) / last - self.loc) / self.scale
        upper = tf.where(index == last, 0.0, -softplus(-above))
        lower = tf.where(index == 0, 0.0, -softplus(below))
        between = tf.math.log(one_minus_exp(1.0 / (last * self.scale)))
        return upper + lower + tf.where((index == 0) | (index == last), 0.0, between)

    def _mean(self):
        # E[clip(y, 0, 1)] of the logistic variable y is the integral of P(y > t) over [0, 1]. The sum over the levels
        # is its midpoint rule with L - 1 terms per value, and differs by at most half a level.
        return self.scale * (softplus(self.loc / self.scale) - softplus((self.loc - 1.0) / self.scale))

    def _sample_n(self, n, seed=None):
        return self.index(tfd.Logistic(self.loc, self.scale).sample(n, seed=seed)) / (self.levels - 1)


class CategoricalLevels(Levels):
    """A categorical variable over L levels: P(k / (L - 1)) = softmax(logits)_k.

    Args:
        logits: tensor [..., L].
    """

    def __init__(self, logits: tf.Tensor, name: str = "CategoricalLevels"):
        parameters = dict(locals())
        self.logits = logits
        super().__init__(int(logits.shape[-1]), parameters)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"logits": tfp.util.ParameterProperties(event_ndims=1)}

    def _log_prob(self, x):
        return tfd.Categorical(logits=self.logits).log_prob(tf.cast(self.index(x), tf.int32))

    def _mean(self):
        return tf.reduce_sum(softmax(self.logits) * tf.linspace(0.0, 1.0, self.levels), axis=-1)

    def _sample_n(self, n, seed=None):
        return tf.cast(tfd.Categorical(logits=self.logits).sample(n, seed=seed), tf.float32) / (self.levels - 1)


class MixtureWeights(tfd.Categorical):
    """A categorical variable for mixture weights, with any number of axes."""

    def _probs_parameter_no_checks(self):
        return softmax(self.logits)


def softmax(logits: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis. TensorFlow's softmax takes at most five axes on CPUs, one less than volumes have."""
    return tf.reshape(tf.nn.softmax(tf.reshape(logits, [-1, logits.shape[-1]])), tf.shape(logits))
