import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.latents.distributions.one_hots import OneHots
from keras_ae.latents.posteriors.mixed_posterior import MixedPosterior
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.posteriors.relaxed_categorical import RelaxedCategorical
from keras_ae.latents.priors.prior import Prior
from keras_ae.objectives.estimators.kl import sample_and_kls
from keras_ae.objectives.objective import Objective
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class JointCapacity(Objective):
    """Penalizes the distances of the continuous and the categorical KL from a capacity each:

        loss = reconstruction + gamma * |kl_z - capacity(step)| + gamma * |kl_c - categorical_capacity(step)|

    for each example, where kl_z is the KL of the continuous values and kl_c the KL of the one-hot vectors. With a
    common capacity, a model would leave the categorical part unused. The posterior is a `MixedPosterior` with parts of
    both kinds. The reported KL is the sum of both.

    Args:
        capacity: target KL of the continuous values in nats per example (symbol C_z): a number or a schedule, such as
            `LinearWarmUp(25_000, end=5.0)`.
        categorical_capacity: target KL of the one-hot vectors (symbol C_c); the maximum for K classes is log K.
        gamma: weight of the distances, a number >= 0 or a schedule.
        num_samples: samples of q(z|x) per example.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for a posterior without parts of both
            kinds.

    References:
        Dupont 2018, arXiv:1804.00104, equation 7.
    """

    terms = ("kl", "categorical_kl", "reconstruction")
    scheduled = ("capacity", "categorical_capacity", "gamma")

    capacity = Hyperparameter(check_value)
    categorical_capacity = Hyperparameter(check_value)
    gamma = Hyperparameter(check_value)

    def __init__(
        self,
        capacity: FloatOrSchedule,
        categorical_capacity: FloatOrSchedule,
        gamma: FloatOrSchedule = 30.0,
        *,
        num_samples: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.capacity = capacity
        self.categorical_capacity = categorical_capacity
        self.gamma = gamma
        self.num_samples = check_size("num_samples", num_samples)

    def check_parts(self, posterior: Posterior, prior: Prior | None) -> None:
        parts = posterior.parts if isinstance(posterior, MixedPosterior) else []
        kinds = {isinstance(part, RelaxedCategorical) for part in parts}
        if kinds != {True, False}:
            names = [type(part).__name__ for part in parts] or type(posterior).__name__
            raise ValueError(
                "`objective` JointCapacity needs a MixedPosterior with a RelaxedCategorical and another part. "
                f"Received: {names}"
            )

    def call(self, x, posterior, prior, likelihood, step_context):
        q = posterior(x)
        z, kls = sample_and_kls(q, prior, self.num_samples, step_context.seed)
        reconstruction = -tf.reduce_mean(likelihood(z).log_prob(x), axis=0)
        categorical = sum(kl for part, kl in kls if isinstance(part, OneHots))
        continuous = sum(kl for part, kl in kls if not isinstance(part, OneHots))
        distance = tf.abs(continuous - value_at(self.capacity, step_context.step))
        distance += tf.abs(categorical - value_at(self.categorical_capacity, step_context.step))
        return {
            "loss": reconstruction + value_at(self.gamma, step_context.step) * distance,
            "kl": continuous + categorical,
            "categorical_kl": categorical,
            "reconstruction": reconstruction,
        }
