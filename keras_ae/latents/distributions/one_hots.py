"""Distributions over concatenated one-hot vectors, and their relaxed form."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import Distribution, tfd

_TINY = np.finfo(np.float32).tiny  # in place of 0, which has no logarithm


class OneHots(Distribution):
    """G independent categorical variables with C classes as one-hot vectors: event shape [G * C].

    Args:
        logits: tensor [..., G, C].
    """

    def __init__(self, logits: tf.Tensor, name: str = "OneHots"):
        parameters = dict(locals())
        self.logits = tf.convert_to_tensor(logits)
        super().__init__(parameters)

    def _event_shape(self):
        return tf.TensorShape([self.logits.shape[-2] * self.logits.shape[-1]])

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"logits": tfp.util.ParameterProperties(event_ndims=2)}

    def _flat(self, values):
        return tf.reshape(values, tf.concat([tf.shape(values)[:-2], self.event_shape_tensor()], axis=0))

    def _log_prob(self, z):
        return tf.reduce_sum(z * self._flat(tf.nn.log_softmax(self.logits)), axis=-1)

    def _mean(self):
        return self._flat(tf.nn.softmax(self.logits))

    def _variance(self):
        mean = self._mean()
        return mean * (1.0 - mean)

    def _covariance(self):
        mean = self._mean()
        variables = tf.range(mean.shape[-1]) // self.logits.shape[-1]
        same = tf.cast(variables[:, tf.newaxis] == variables, tf.float32)
        return tf.linalg.diag(mean) - same * mean[..., tf.newaxis] * mean[..., tf.newaxis, :]

    def _mode(self):
        return self._flat(tf.one_hot(tf.argmax(self.logits, axis=-1), self.logits.shape[-1]))

    def _entropy(self):
        log_probs = tf.nn.log_softmax(self.logits)
        return -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=[-2, -1])

    def _sample_n(self, n, seed=None):
        chosen = tf.argmax(self._disturbed(n, seed), axis=-1)
        return self._flat(tf.one_hot(chosen, self.logits.shape[-1]))

    def _disturbed(self, n, seed):
        """Returns logits plus Gumbel noise, whose argmax is a draw of each variable."""
        shape = tf.concat([[n], tf.shape(self.logits)], axis=0)
        uniform = random.stateless_uniform(shape, tfp.random.sanitize_seed(seed), low=_TINY)
        return self.logits - tf.math.log(-tf.math.log(uniform))


class RelaxedOneHots(OneHots):
    """Relaxed one-hot vectors, which have gradients: softmax((logits + Gumbel noise) / temperature).

    There is no `log_prob`, because a density of relaxed values is not comparable to probabilities of one-hot vectors.
    Mean, standard deviation, covariance and mode have no closed form; `exact()` has them.
    """

    def __init__(self, temperature: tf.Tensor, logits: tf.Tensor, name: str = "RelaxedOneHots"):
        parameters = dict(locals())
        self.temperature, self.logits = temperature, tf.convert_to_tensor(logits)
        Distribution.__init__(self, parameters, tfd.FULLY_REPARAMETERIZED)

    def exact(self) -> OneHots:
        """The distribution of the one-hot vectors."""
        return OneHots(self.logits)

    def _no_formula(self):
        raise NotImplementedError("Relaxed one-hot vectors have no closed form for it: call it on `exact()`.")

    _mean = _variance = _covariance = _mode = _entropy = _no_formula

    def _log_prob(self, z):
        raise NotImplementedError(
            "Relaxed one-hot vectors have no density comparable to a categorical prior: use an objective with an "
            'analytic KL, such as ELBO(kl="analytic").'
        )

    def _sample_n(self, n, seed=None):
        return self._flat(tf.nn.softmax(self._disturbed(n, seed) / self.temperature))


@tfd.RegisterKL(OneHots, OneHots)
def _kl(q, p, name=None):
    """Returns the discrete KL: sum over variables and classes of prob_q (log prob_q - log prob_p)."""
    log_q, log_p = tf.nn.log_softmax(q.logits), tf.nn.log_softmax(p.logits)
    return tf.reduce_sum(tf.exp(log_q) * (log_q - log_p), axis=[-2, -1], name=name)
