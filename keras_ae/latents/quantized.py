import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class Quantized(tfd.Distribution):
    """A point mass at z_q, whose gradient goes to z_e, with what the objective asks of the codebook.

    Args:
        given: z_e [B, D].
        quantized: z_q [B, D].
        index: the numbers of the entries [B, P].
        num_codes: entries of the codebook, K.
        by_gradient: whether the codebook learns by gradients.
    """

    def __init__(self, given, quantized, index, num_codes, *, by_gradient, name="Quantized"):
        parameters = dict(locals())
        self.given, self.quantized, self.index = given, quantized, index
        self.num_codes, self.by_gradient = num_codes, by_gradient
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _batch_shape(self):
        return self.given.shape[:-1]

    def _batch_shape_tensor(self):
        return tf.shape(self.given)[:-1]

    def _event_shape(self):
        return self.given.shape[-1:]

    def _event_shape_tensor(self):
        return tf.shape(self.given)[-1:]

    def _mean(self):
        return self.quantized

    def _sample_n(self, n, seed=None):
        z = self.given + tf.stop_gradient(self.quantized - self.given)
        return tf.broadcast_to(z, tf.concat([[n], tf.shape(z)], axis=0))

    def commitment(self):
        """|z_e - z_q|^2 with the gradient of z_e: [B]."""
        return tf.reduce_sum((self.given - tf.stop_gradient(self.quantized)) ** 2, axis=-1)

    def codebook_error(self):
        """|z_e - z_q|^2 with the gradient of the codebook, 0 where that learns in another way: [B]."""
        if not self.by_gradient:
            return tf.zeros_like(self.given[..., 0])
        return tf.reduce_sum((tf.stop_gradient(self.given) - self.quantized) ** 2, axis=-1)

    def perplexity(self):
        """exp of the entropy of the entries in the batch, from 1 to K: []."""
        shares = tf.reduce_mean(tf.one_hot(tf.reshape(self.index, [-1]), self.num_codes), axis=0)
        return tf.exp(-tf.reduce_sum(tf.math.xlogy(shares, shares)))
