import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import Distribution, tfd


class Quantized(Distribution):
    """A point mass at z_q with a straight-through gradient to z_e, and the codebook terms of the objective.

    `log_prob` is 0 at z_q, up to rounding, and -infinity elsewhere.

    Args:
        inputs: z_e [*batch, D].
        entries: the part of z_q from each codebook, [*batch, depth, D].
        index: indices of the entries [*batch, P * depth]; the indices of one position are adjacent.
        num_codes: number of entries in a codebook, K.
        by_gradient: whether the codebooks learn by gradient descent.
    """

    def __init__(
        self,
        inputs: tf.Tensor,
        entries: tf.Tensor,
        index: tf.Tensor,
        num_codes: int,
        *,
        by_gradient: bool,
        name: str = "Quantized",
    ):
        parameters = dict(locals())
        self.inputs, self.entries, self.index = inputs, entries, index
        self.partial = tf.cumsum(entries, axis=-2)  # z_q after one codebook, two ...
        self.quantized = self.partial[..., -1, :]
        self.num_codes, self.by_gradient = num_codes, by_gradient
        super().__init__(parameters, tfd.FULLY_REPARAMETERIZED)

    def _event_shape(self):
        return self.inputs.shape[-1:]

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        ranks = {"inputs": 1, "entries": 2, "index": 1}
        return {name: tfp.util.ParameterProperties(event_ndims=rank) for name, rank in ranks.items()}

    def _log_prob(self, z):
        # The probability of a point. A sample, z_e + (z_q - z_e), equals z_q up to rounding.
        rounding = 1e-6 * (1.0 + tf.abs(self.inputs) + tf.abs(self.quantized))
        return tf.math.log(tf.cast(tf.reduce_all(tf.abs(z - self.quantized) <= rounding, axis=-1), tf.float32))

    def _mean(self):
        return self.quantized

    def _mode(self):
        return self.quantized

    def _variance(self):
        return tf.zeros_like(self.quantized)

    def _covariance(self):
        return tf.linalg.diag(self._variance())

    def _entropy(self):
        return tf.zeros_like(self.quantized[..., 0])

    def _sample_n(self, n, seed=None):
        z = self.inputs + tf.stop_gradient(self.quantized - self.inputs)
        return tf.broadcast_to(z, tf.concat([[n], tf.shape(z)], axis=0))

    def commitment(self) -> tf.Tensor:
        """Returns the sum over depths of |z_e - z_q|^2 with the partial sums z_q and the gradient of z_e: [B]."""
        errors = self.inputs[..., tf.newaxis, :] - tf.stop_gradient(self.partial)
        return tf.reduce_sum(errors**2, axis=[-2, -1])

    def codebook_error(self) -> tf.Tensor:
        """Returns the same sum with the gradients of the codebooks; 0 unless they learn by gradient descent: [B]."""
        if not self.by_gradient:
            return tf.zeros_like(self.inputs[..., 0])
        # The residual that each codebook quantized.
        rest = self.inputs[..., tf.newaxis, :] - self.partial + self.entries
        return tf.reduce_sum((tf.stop_gradient(rest) - self.entries) ** 2, axis=[-2, -1])

    def perplexity(self, share: tf.Tensor) -> tf.Tensor:
        """Returns exp of the entropy of entry usage in the batch, in [1, K], averaged over codebooks: [].

        `share` [B] is the weight of each example; the weights sum to 1.
        """
        depth = self.entries.shape[-2]
        index = tf.reshape(self.index, [tf.shape(share)[0], -1, depth])
        used = tf.reduce_mean(tf.one_hot(index, self.num_codes), axis=1)  # [B, depth, K]
        shares = tf.tensordot(share, used, axes=1)  # [depth, K]
        return tf.reduce_mean(tf.exp(-tf.reduce_sum(tf.math.xlogy(shares, shares), axis=-1)))
