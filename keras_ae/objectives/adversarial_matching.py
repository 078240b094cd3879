import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.adversarial_objective import AdversarialObjective, prior_codes
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class AdversarialMatching(AdversarialObjective):
    """Reconstruction with adversarial matching of the aggregate posterior to the prior by a discriminator D:

        loss = reconstruction + matching_weight * matching,  matching = -log D(z),  z ~ q(z|x)
        discriminator = -(log D(z_p) + log(1 - D(z))) / 2,  z_p ~ p(z)

    It needs only samples of q(z|x) and of the prior, not their densities, so q(z|x) may be a point mass. The encoder
    maximizes log D(z) instead of minimizing log(1 - D(z)), the non-saturating form of Goodfellow 2014, which has the
    same fixed point. If the distributions are indistinguishable, the discriminator's loss is log 2 nats. The prior is
    the fixed target: a prior with weights needs `trainable=False`.

    The paper alternates steps of reconstruction and matching, with separate learning rates; here both are in one loss,
    and `matching_weight` replaces the ratio of the rates.

    Args:
        matching_weight: a number >= 0 or a schedule.
        discriminator: network from codes [B, D] to features: a name or a Keras layer, as in `AdversarialObjective`.

    Raises:
        ValueError: at construction, for arguments out of range.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> parts = {"posterior": "deterministic", "prior": kae.latents.NormalMixture(3, trainable=False)}
        >>> model = kae.Autoencoder(latent_dim=2, objective=AdversarialMatching(), **parts)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 4, 4, 1), verbose=0)

    References:
        Makhzani et al. 2015, arXiv:1511.05644, section 2; Goodfellow et al. 2014, arXiv:1406.2661, section 3.
    """

    terms = ("reconstruction", "matching", "discriminator")
    needs_density = False
    trains_prior = False
    scheduled = ("matching_weight",)

    matching_weight = Hyperparameter(check_value)

    def __init__(
        self, matching_weight: FloatOrSchedule = 10.0, *, discriminator: str | keras.layers.Layer = "mlp", **kwargs
    ):
        super().__init__(discriminator, **kwargs)
        self.matching_weight = matching_weight

    def call(self, x, posterior, prior, likelihood, step_context):
        z = posterior(x).sample(1, seed=step_context.seed)  # [1, B, D]
        reconstruction = -likelihood(z).log_prob(x)[0]
        matching = tf.nn.softplus(-self.discriminator.frozen(z[0], step_context.training)[1])
        drawn = prior_codes(prior, tf.shape(x)[0], tfp.random.split_seed(step_context.seed)[0])
        shown = tf.concat([drawn, tf.stop_gradient(z[0])], axis=0)
        real, given = tf.split(self.discriminator(shown, training=step_context.training)[1], 2)
        return {
            "loss": reconstruction + value_at(self.matching_weight, step_context.step) * matching,
            "reconstruction": reconstruction,
            "matching": matching,
            "discriminator": 0.5 * (tf.nn.softplus(-real) + tf.nn.softplus(given)),
        }
