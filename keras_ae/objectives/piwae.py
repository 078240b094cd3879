import keras
import tensorflow as tf

from keras_ae.latents.spaces import Formula
from keras_ae.objectives.importance_weighted import mean_bound, through_codes
from keras_ae.objectives.objective import Objective
from keras_ae.validation.arguments import check_size


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

    def __init__(self, num_groups=8, num_samples=8, **kwargs):
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

    def get_config(self):
        return {**super().get_config(), "num_groups": self.num_groups, "num_samples": self.num_samples}
