"""Importance-weighted bounds on log p(x), and their combinations."""

import functools

import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.spaces import Formula
from keras_ae.objectives.estimators.importance_weights import (
    log_prob_slope,
    mean_bound,
    normalized,
    scale_gradient_later,
    through_codes,
)
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_choice, check_fraction, check_size

ESTIMATORS = ("standard", "sticking_the_landing", "doubly_reparameterized")


class ImportanceWeighted(Objective):
    """Base class of importance-weighted objectives:

        loss = -bound(log w),  log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    The reported KL and reconstruction are means over single samples. A subclass may define `_bound`, and then
    `_path_weights`.

    Args:
        num_samples: samples per group, K.
        estimator: estimator of the encoder's gradient, as in `IWAE`.

    Attributes:
        num_groups: groups of samples per example, M.
    """

    terms = ("kl", "reconstruction")
    formulas = frozenset({Formula.LOG_PROB})

    def __init__(self, num_samples: int, estimator: str, **kwargs):
        super().__init__(**kwargs)
        self.num_groups = 1
        self.num_samples = check_size("num_samples", num_samples)
        self.estimator = check_choice("estimator", estimator, ESTIMATORS)

    def call(self, x, posterior, prior, likelihood, step_context):
        num, factors = self.num_groups * self.num_samples, []
        q = posterior(x)
        z, log_prob = q.experimental_sample_and_log_prob(num, seed=step_context.seed)  # [M * K, B, D], [M * K, B]
        if self.estimator == "doubly_reparameterized":
            z = scale_gradient_later(z, factors)
        if self.estimator != "standard":
            log_prob = through_codes(log_prob, log_prob_slope(q, z), z)
        reconstruction = -likelihood(z).log_prob(x)
        kl = log_prob - prior.log_prob(z)
        log_weights = -reconstruction - kl
        factors.append(self._path_weights(log_weights)[..., tf.newaxis])
        return {
            "loss": -self._bound(log_weights),
            "kl": tf.reduce_mean(kl, axis=0),
            "reconstruction": tf.reduce_mean(reconstruction, axis=0),
        }

    def _bound(self, log_weights):
        """Returns the bound on log p(x), [B], from the log-weights [M * K, B]."""
        return mean_bound(log_weights, self.num_groups)

    def _path_weights(self, log_weights):
        """Returns the factors of the codes' gradients in the doubly reparameterized estimator: [M * K, B]."""
        return normalized(log_weights, self.num_groups)


@keras.saving.register_keras_serializable(package="keras_ae")
class IWAE(ImportanceWeighted):
    """The negative importance-weighted bound, which gets tighter than the ELBO with each additional sample:

        loss = -log 1/K sum_k w_k,  log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    In expectation it decreases with K toward -log p(x); with one sample it is the negative ELBO. Each step decodes K
    samples per example.

    The reported KL and reconstruction are means over single samples:

        kl = 1/K sum_k (log q(z_k|x) - log p(z_k)),  reconstruction = 1/K sum_k -log p(x|z_k)

    They do not depend on K in expectation, and their sum, the negative ELBO, is at least the loss.

    There are three estimators of the encoder's gradient; the gradient of the decoder and the prior is the same for all.
    With the normalized weights v_k = w_k / sum_j w_j and codes z_k(phi) by reparameterization,

        standard                  sum_k v_k d log w_k / d phi
        sticking_the_landing      sum_k v_k (d log w_k / d z_k) (d z_k / d phi)
        doubly_reparameterized    sum_k v_k^2 (d log w_k / d z_k) (d z_k / d phi)

    The first is unbiased, but its signal-to-noise ratio falls as K grows. The second has no variance if q(z|x) is
    exact; it is unbiased with one sample, and biased with more. The third is unbiased, and its signal grows with K. The
    last two need the gradient of log q(z|x) with respect to z, which inverts a flow: an `InverseAutoregressiveFlow`
    takes D passes per map.

    Args:
        num_samples: importance samples of q(z|x) per example (symbol k in Burda 2016).
        estimator: `"standard"`, `"sticking_the_landing"` or `"doubly_reparameterized"`.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior with relaxed codes.

    Example:
        >>> import numpy as np
        >>> import keras_ae as kae
        >>> small = kae.networks.MLP([8]), kae.networks.MLP([8])
        >>> model = kae.Autoencoder(*small, latent_dim=2, objective=IWAE(5))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0).history
        >>> history["loss"][0] <= history["kl"][0] + history["reconstruction"][0]
        True

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8; Roeder, Wu and Duvenaud 2017,
        arXiv:1703.09194, for the second estimator; Tucker et al. 2019, arXiv:1810.04152, section 3, for the third and
        for the bias of the second.
    """

    def __init__(self, num_samples: int = 50, *, estimator: str = "standard", **kwargs):
        super().__init__(num_samples, estimator, **kwargs)


@keras.saving.register_keras_serializable(package="keras_ae")
class MIWAE(ImportanceWeighted):
    """The mean of several negative importance-weighted bounds, each with separate samples:

        loss = -1/M sum_m log 1/K sum_k w_mk,  log w_mk = log p(x|z_mk) + log p(z_mk) - log q(z_mk|x)

    A bound with more samples is tighter, but the signal-to-noise ratio of the encoder's gradient is lower; averaging
    several bounds reduces the noise. With M = 1 it is `IWAE(K)`, with K = 1 the ELBO with M samples. Each step decodes
    M K samples per example. The reported KL and reconstruction are means over single samples.

    Args:
        num_groups: bounds per example (symbol M).
        num_samples: samples per bound (symbol K).
        estimator: estimator of the encoder's gradient, within each bound, as in `IWAE`.

    Raises:
        ValueError: as `IWAE`.

    References:
        Rainforth et al. 2018, arXiv:1802.04537, section 5, "multiply importance weighted auto-encoder".
    """

    def __init__(self, num_groups: int = 8, num_samples: int = 8, *, estimator: str = "standard", **kwargs):
        super().__init__(num_samples, estimator, **kwargs)
        self.num_groups = check_size("num_groups", num_groups)


@keras.saving.register_keras_serializable(package="keras_ae")
class CIWAE(ImportanceWeighted):
    """A weighted mean of the negative ELBO and the negative importance-weighted bound over the same samples:

        loss = -beta 1/K sum_k log w_k - (1 - beta) log 1/K sum_k w_k
        log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x),  z_k ~ q(z|x)

    The ELBO preserves the signal of the encoder's gradient, while the other bound is tighter. With beta = 0 it is
    `IWAE(K)`, with beta = 1 the ELBO with K samples. The reported KL and reconstruction are means over the samples.

    Args:
        beta: weight of the ELBO, in [0, 1] (symbol beta).
        num_samples: samples per example (symbol K).
        estimator: estimator of the encoder's gradient, as in `IWAE`. For the ELBO, the doubly reparameterized estimator
            equals sticking the landing.

    Raises:
        ValueError: for beta outside [0, 1], and as `IWAE`.

    References:
        Rainforth et al. 2018, arXiv:1802.04537, section 5, "combination importance weighted auto-encoder".
    """

    beta = Hyperparameter(functools.partial(check_fraction, interval="[0, 1]"))

    def __init__(self, beta: float = 0.5, num_samples: int = 64, *, estimator: str = "standard", **kwargs):
        super().__init__(num_samples, estimator, **kwargs)
        self.beta = beta

    def _bound(self, log_weights):
        return self.beta * tf.reduce_mean(log_weights, axis=0) + (1.0 - self.beta) * mean_bound(log_weights)

    def _path_weights(self, log_weights):
        # The gradient of `_bound` for each code already includes the factor of the denominator.
        even, share = self.beta / self.num_samples, normalized(log_weights)
        return tf.math.divide_no_nan(even + (1.0 - self.beta) * share**2, even + (1.0 - self.beta) * share)


@keras.saving.register_keras_serializable(package="keras_ae")
class PIWAE(Objective):
    """Two bounds from the same samples: the tighter bound trains the decoder, the bound with less variance the encoder.

        loss of decoder and prior = -log 1/(M K) sum_mk w_mk            as in IWAE(M K)
        loss of the encoder       = -1/M sum_m log 1/K sum_k w_mk       as in MIWAE(M, K)
        log w_mk = log p(x|z_mk) + log p(z_mk) - log q(z_mk|x),  z_mk ~ q(z|x)

    The first is the reported loss, but the encoder has the gradient of the second. With M = 1 both are `IWAE(K)`. Each
    step decodes M K samples per example once, with two backward passes through the decoder. The reported KL and
    reconstruction are means over single samples.

    Args:
        num_groups: bounds per example for the encoder (symbol M).
        num_samples: samples per bound (symbol K).

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior with relaxed codes.

    References:
        Rainforth et al. 2018, arXiv:1802.04537, section 5, "partially importance weighted auto-encoder".
    """

    terms = ("kl", "reconstruction")
    formulas = frozenset({Formula.LOG_PROB})

    def __init__(self, num_groups: int = 8, num_samples: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.num_groups = check_size("num_groups", num_groups)
        self.num_samples = check_size("num_samples", num_samples)

    def call(self, x, posterior, prior, likelihood, step_context):
        num = self.num_groups * self.num_samples
        q = posterior(x)
        z, log_prob = q.experimental_sample_and_log_prob(num, seed=step_context.seed)  # [M * K, B, D], [M * K, B]
        code = tf.stop_gradient(z)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(code)
            reconstruction = -likelihood(code).log_prob(x)
            log_prior = prior.log_prob(code)
            log_joint = log_prior - reconstruction
        # The same log-weights twice: once with gradients for decoder and prior only, once with gradients for the
        # encoder, through the codes and through the density of q.
        generative = log_joint - tf.stop_gradient(log_prob)
        inference = through_codes(log_joint, tape.gradient(log_joint, code), z) - log_prob
        bound, other = mean_bound(generative), mean_bound(inference, self.num_groups)
        loss = -bound - (other - tf.stop_gradient(other))
        kl = tf.reduce_mean(log_prob - log_prior, axis=0)
        return {"loss": loss, "kl": kl, "reconstruction": tf.reduce_mean(reconstruction, axis=0)}
