from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import Distribution, tfd
from keras_ae.latents.code_distribution import Context
from keras_ae.latents.distributions.shapes import over_batch, rows


class Pushforward(Distribution):
    """The distribution of y = f(x) for an invertible f and x from a base distribution:

        log p(y) = log p_base(x) - log |det dy/dx|

    `experimental_sample_and_log_prob` returns samples and their densities in one pass through f, as objectives need;
    `log_prob` of other values runs the inverse of f, which may cost more.

    If f is affine, mean, covariance, mode and entropy follow from the base. Otherwise they have no closed form.

    Args:
        base: distribution of x, with event shape [D].
        forward: function from x to (y, log |det dy/dx|).
        inverse: function from y to (x, log |det dy/dx|), with the same determinant.
        context: tensor [*batch, P], the second argument of both functions, or `None` if they take only one.
        affine: (b, L) where f(x) = b + L x, vectors [D] and lower triangular matrices [D, D]; `None` for any other f.
    """

    def __init__(
        self,
        base: tfd.Distribution,
        forward: Callable[..., tuple[tf.Tensor, tf.Tensor]],
        inverse: Callable[..., tuple[tf.Tensor, tf.Tensor]],
        context: Context = None,
        affine: tuple[tf.Tensor, tf.Tensor] | None = None,
        name: str = "Pushforward",
    ):
        parameters = dict(locals())
        self.base, self.forward, self.inverse = base, forward, inverse
        self.context, self.affine = context, affine
        super().__init__(parameters, base.reparameterization_type)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {
            "base": tfp.util.BatchedComponentProperties(),
            "context": tfp.util.ParameterProperties(event_ndims=1),
        }

    def _batch_shape(self):
        return self.base.batch_shape

    def _batch_shape_tensor(self):
        return self.base.batch_shape_tensor()

    def _event_shape(self):
        return self.base.event_shape

    def _sample_n(self, n, seed=None):
        return self._apply(self.forward, self.base.sample(n, seed=seed))[0]

    def _sample_and_log_prob(self, sample_shape, seed):
        x, log_prob = self.base.experimental_sample_and_log_prob(sample_shape, seed=seed)
        y, log_det = self._apply(self.forward, x)
        return y, log_prob - log_det

    def _log_prob(self, y):
        # A mixture evaluates one value under many components, and the inverse differs for each.
        x, log_det = self._apply(self.inverse, over_batch(self, y))
        return self.base.log_prob(x) - log_det

    def _mean(self):
        return self._image(self.base.mean()) if self.affine else super()._mean()

    def _mode(self):
        return self._image(self.base.mode()) if self.affine else super()._mode()

    def _covariance(self):
        if not self.affine:
            return super()._covariance()
        factor = self.affine[1]
        return tf.linalg.matmul(factor, tf.linalg.matmul(self.base.covariance(), factor, transpose_b=True))

    def _variance(self):
        return tf.linalg.diag_part(self._covariance()) if self.affine else super()._variance()

    def _entropy(self):
        if not self.affine:
            return super()._entropy()
        return self.base.entropy() + tf.reduce_sum(tf.math.log(tf.linalg.diag_part(self.affine[1])))

    def _image(self, x):
        loc, factor = self.affine
        return loc + tf.linalg.matvec(factor, x)

    def _apply(self, function, x):
        """Returns (y, log-determinant) for x [..., *batch, D]."""
        extra = () if self.context is None else (rows(self.context),)
        y, log_det = function(rows(x), *extra)
        return (y[0], tf.reshape(log_det, [])) if len(x.shape) == 1 else (y, log_det)
