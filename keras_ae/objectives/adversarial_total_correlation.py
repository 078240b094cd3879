import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.adversarial_objective import AdversarialObjective
from keras_ae.objectives.estimators.kl import sample_and_kl
from keras_ae.objectives.estimators.permute_dims import permute_dims
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class AdversarialTotalCorrelation(AdversarialObjective):
    """The negative ELBO plus a penalty on the total correlation of the latent dimensions:

        loss = reconstruction + kl + gamma * total_correlation
        total_correlation = E_q(z)[log D(z) - log(1 - D(z))] ~ KL(q(z) || prod_d q(z_d))
        discriminator = -(E_q(z)[log D(z)] + E[log(1 - D(z'))]) / 2

    q(z) is the aggregate posterior. The discriminator D learns to distinguish its codes from codes z' whose dimensions
    are shuffled independently within the batch; its logit then estimates the log density ratio. At a loss of log 2
    nats, the discriminator finds no dependence. The estimate is only as good as the discriminator, and can be below 0.

    The paper shuffles the codes of a second batch; here, z' come from second samples of q(z|x) for the same batch.

    Args:
        gamma: weight of the total correlation, a number >= 0 or a schedule (symbol gamma). The paper tunes it for each
            data set.
        discriminator: network from codes [B, D] to features: a name or a Keras layer, as in `AdversarialObjective`.
        num_samples: samples of q(z|x) per example.

    Raises:
        ValueError: at construction, for arguments out of range.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> small = kae.networks.MLP([8]), kae.networks.MLP([8])
        >>> model = kae.Autoencoder(*small, latent_dim=3, objective=AdversarialTotalCorrelation(10.0))
        >>> model.compile("adam", discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9))
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)

    References:
        Kim and Mnih 2018, arXiv:1802.05983, equations 2 and 3, algorithm 2.
    """

    terms = ("kl", "reconstruction", "total_correlation", "discriminator")
    scheduled = ("gamma",)

    gamma = Hyperparameter(check_value)

    def __init__(
        self,
        gamma: FloatOrSchedule = 6.4,
        *,
        discriminator: str | keras.layers.Layer = "mlp",
        num_samples: int = 1,
        **kwargs,
    ):
        super().__init__(discriminator, **kwargs)
        self.gamma = gamma
        self.num_samples = check_size("num_samples", num_samples)

    def call(self, x, posterior, prior, likelihood, step_context):
        q = posterior(x)
        z, kl = sample_and_kl(q, prior, self.num_samples, step_context.seed)  # [K, B, D], [B]
        reconstruction = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)
        _, logits = self.discriminator.frozen(tf.reshape(z, [-1, z.shape[-1]]), step_context.training)
        correlation = tf.reduce_mean(tf.reshape(logits, [self.num_samples, -1]), axis=0)
        return {
            "loss": reconstruction + kl + value_at(self.gamma, step_context.step) * correlation,
            "kl": kl,
            "reconstruction": reconstruction,
            "total_correlation": correlation,
            "discriminator": self._discriminator_loss(z[0], q, step_context),
        }

    def _discriminator_loss(self, z, q, step_context):
        """Returns the loss of the discriminator [B]."""
        seeds = tfp.random.split_seed(step_context.seed)
        shuffled = permute_dims(q.sample(seed=seeds[0]), seeds[1], step_context.weight)
        shown = tf.stop_gradient(tf.concat([z, shuffled], axis=0))
        whole, broken = tf.split(self.discriminator(shown, training=step_context.training)[1], 2)
        return 0.5 * (tf.nn.softplus(-whole) + tf.nn.softplus(broken))
