import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class Pushforward(tfd.Distribution):
    """The distribution of y = f(x) for x of another distribution, with f one to one:

        log p(y) = log p_base(x) - log |det dy/dx|

    `experimental_sample_and_log_prob` gives samples and their densities in one pass through f, which is all that an
    objective needs; `log_prob` of other values takes the inverse of f, which may cost more.

    Args:
        base: distribution of x, with event shape [D].
        forward: function of x to (y, log |det dy/dx|).
        inverse: function of y to (x, log |det dy/dx|), the same determinant.
    """

    def __init__(self, base, forward, inverse, name="Pushforward"):
        parameters = dict(locals())
        self.base, self.forward, self.inverse = base, forward, inverse
        super().__init__(
            dtype=base.dtype,
            reparameterization_type=base.reparameterization_type,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _batch_shape(self):
        return self.base.batch_shape

    def _batch_shape_tensor(self):
        return self.base.batch_shape_tensor()

    def _event_shape(self):
        return self.base.event_shape

    def _event_shape_tensor(self):
        return self.base.event_shape_tensor()

    def _sample_n(self, n, seed=None):
        return self.forward(self.base.sample(n, seed=seed))[0]

    def _sample_and_log_prob(self, sample_shape, seed):
        x, log_prob = self.base.experimental_sample_and_log_prob(sample_shape, seed=seed)
        y, log_det = self.forward(x)
        return y, log_prob - log_det

    def _log_prob(self, y):
        # A mixture asks for the density of one value under many: its inverse is another one under each.
        batch = tf.zeros(tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0), self.dtype)
        x, log_det = self.inverse(tf.convert_to_tensor(y) + batch)
        return self.base.log_prob(x) - log_det
