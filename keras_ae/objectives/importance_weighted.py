import tensorflow as tf

from keras_ae.latents.spaces import Formula
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_choice, check_size

ESTIMATORS = ("standard", "sticking_the_landing", "doubly_reparameterized")


class ImportanceWeighted(Objective):
    """Base class of importance-weighted objectives:

        loss = -bound(log w),  log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    The KL and the reconstruction that are shown are means over the samples, each taken alone. A subclass gives `bound`,
    and `path_weights` where it is not the plain one.

    Args:
        num_groups: groups of samples per example, M.
        num_samples: samples per group, K.
        estimator: estimator of the encoder's gradient, as in `IWAE`.
    """

    terms = ("kl", "reconstruction")
    formulas = frozenset({Formula.LOG_PROB})

    def __init__(self, num_groups, num_samples, estimator, **kwargs):
        super().__init__(**kwargs)
        self.num_groups = check_size("num_groups", num_groups)
        self.num_samples = check_size("num_samples", num_samples)
        self.estimator = check_choice("estimator", estimator, ESTIMATORS)

    def call(self, x, posterior, prior, likelihood, step_context):
        num, factors = self.num_groups * self.num_samples, []
        q = posterior(x)
        z, log_prob = q.experimental_sample_and_log_prob(num, seed=step_context.seed)  # [M * K, B, D], [M * K, B]
        if self.estimator == "doubly_reparameterized":
            z = scaled_backwards(z, factors)
        if self.estimator != "standard":
            log_prob = through_codes(log_prob, _slope(q, z), z)
        reconstruction = -likelihood(z).log_prob(x)
        kl = log_prob - prior.log_prob(z)
        log_weights = -reconstruction - kl
        factors.append(self.path_weights(log_weights)[..., tf.newaxis])
        loss = -self.bound(log_weights)
        return {
            "loss": loss,
            "kl": tf.reduce_mean(kl, axis=0),
            "reconstruction": tf.reduce_mean(reconstruction, axis=0),
        }

    def bound(self, log_weights):
        """Returns the bound on log p(x), [B], from the log-weights [M * K, B]."""
        return mean_bound(log_weights, self.num_groups)

    def path_weights(self, log_weights):
        """Returns the factors of the codes' gradients in the doubly reparameterized estimator: [M * K, B]."""
        return normalized(log_weights, self.num_groups)

    def get_config(self):
        return {**super().get_config(), "num_samples": self.num_samples, "estimator": self.estimator}


def mean_bound(log_weights, num_groups=1):
    """Returns the mean over groups of log 1/K sum_k w_k, [B], from log-weights [M * K, B]."""
    groups = _grouped(log_weights, num_groups)
    size = tf.cast(tf.shape(groups)[1], tf.float32)
    return tf.reduce_mean(tf.reduce_logsumexp(groups, axis=1), axis=0) - tf.math.log(size)


def normalized(log_weights, num_groups=1):
    """Returns w_k / sum_j w_j within each group: [M * K, B]."""
    return tf.reshape(tf.nn.softmax(_grouped(log_weights, num_groups), axis=1), tf.shape(log_weights))


def scaled_backwards(z, factors):
    """Returns z with a gradient that is multiplied by a tensor that is not known yet.

    Args:
        z: tensor.
        factors: empty list, to which the caller appends the tensor before gradients are computed.
    """

    @tf.custom_gradient
    def identity(z):
        return tf.identity(z), lambda upstream: upstream * factors[0]

    return identity(z)


def through_codes(values, slope, z):
    """Returns values whose gradients flow only through z.

    Args:
        values: tensor [..., B].
        slope: their gradient with respect to z, [..., B, D].
        z: tensor [..., B, D].
    """
    return tf.stop_gradient(values) + tf.reduce_sum(tf.stop_gradient(slope) * (z - tf.stop_gradient(z)), axis=-1)


def _slope(q, z):
    """Returns d log q(z) / d z with the parameters of q fixed, [..., B, D]; inverts a flow."""
    code = tf.stop_gradient(z)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(code)
        log_prob = q.log_prob(code)
    return tape.gradient(log_prob, code)


def _grouped(log_weights, num_groups):
    """[M, K, B]."""
    return tf.reshape(log_weights, tf.concat([[num_groups, -1], tf.shape(log_weights)[1:]], axis=0))
