import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Float
from keras_ae.latents.distributions.normals import are_normals, normals
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.spaces import Family, Formula
from keras_ae.step_context import INFERENCE, StepContext


@keras.saving.register_keras_serializable(package="keras_ae")
class FullCovarianceNormal(Posterior):
    """q(z|x) = N(loc(x), L(x) L(x)'), L = T(x) diag(scale(x)), T lower triangular with a diagonal of ones, and
    scale = softplus(raw) + 1e-5.

    It models correlated latent dimensions with D (D + 3) / 2 parameters. It starts as the diagonal normal, because
    random entries of T would first have to be unlearned. The KL divergence to a normal prior has a closed form.

    References:
        Kingma and Welling 2019, arXiv:1906.02691, section 2.5.1 ("full-covariance Gaussian posterior").
    """

    family = Family.NORMAL
    formulas = Posterior.formulas | {Formula.MARGINALS}

    def build(self, input_shape):
        super().build(input_shape)
        starts = tf.cast(tf.range(self._head_size()) < 2 * self.latent_dim, tf.float32)
        self.dense.kernel.assign(self.dense.kernel * starts)

    def _head_size(self) -> int:
        return self.latent_dim * (self.latent_dim + 3) // 2

    def distribution(self, params: tf.Tensor, step_context: StepContext = INFERENCE) -> tfd.Distribution:
        return TriangularNormal(*self._parameters(params))

    def draw(self, params: tf.Tensor, seeds: tf.Tensor, rows: tf.Tensor, temperature: Float = 1.0) -> tf.Tensor:
        loc, factor = self._parameters(params)
        noise = random.normal(seeds, rows, self.latent_dim, temperature=temperature)
        return loc + tf.linalg.matvec(factor, noise)

    def _parameters(self, params):
        params = tf.cast(params, tf.float32)
        size = self.latent_dim
        loc, scale = params[..., :size], tf.nn.softplus(params[..., size : 2 * size]) + 1e-5
        ones = tf.eye(size, batch_shape=tf.shape(params)[:-1])
        if size == 1:
            return loc, ones * scale[..., tf.newaxis]
        below = tfp.math.fill_triangular(params[..., 2 * size :])  # [..., D - 1, D - 1]
        rank = len(below.shape)
        below = tf.pad(below, [[0, 0]] * (rank - 2) + [[1, 0], [0, 1]])
        return loc, (ones + below) * scale[..., tf.newaxis, :]


class TriangularNormal(tfd.MultivariateNormalTriL):
    """TFP's normal distribution with a mean and a Cholesky factor, with noise that XLA draws fast."""

    def marginals(self) -> tfd.Normal:
        """Returns the marginal normal distribution of each dimension: batch shape [..., D]."""
        return tfd.Normal(self.loc, self.stddev())

    def _stddev(self):
        """Returns the norm of each row of the factor. TFP extracts a diagonal, an operation that LiteRT lacks."""
        return tf.sqrt(tf.reduce_sum(self.parameters["scale_tril"] ** 2, axis=-1))

    def _maybe_broadcast_distribution_batch_shape(self):
        """Returns the distribution of the noise."""
        return normals(tf.zeros(tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)), 1.0)


@tfd.RegisterKL(TriangularNormal, tfd.Independent)
def _kl(q, p, name=None):
    """Returns the closed-form KL for a diagonal normal p, such as `StandardNormal`."""
    if not are_normals(p):
        raise NotImplementedError(f"There is no closed form of the KL divergence to {p.distribution.name}.")
    scale = tf.broadcast_to(p.distribution.scale, tf.shape(p.distribution.loc))
    return tfd.kl_divergence(q, tfd.MultivariateNormalDiag(p.distribution.loc, scale), name=name)
