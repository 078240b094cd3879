import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.penalized_kl import PenalizedKL
from keras_ae.schedules import check_value, value_at
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class Capacity(PenalizedKL):
    """Penalizes the distance of the KL from a capacity, which may grow during training:

        loss = reconstruction + gamma * |kl - capacity(step)|

    for each example. A slowly growing capacity lets the code learn factors of variation one by one.

    Args:
        capacity: target KL in nats per example (symbol C): a number, or a schedule such as
            `LinearWarmUp(100_000, end=25.0)`.
        gamma: weight of the distance, a number >= 0 or a schedule; the paper uses 1000.
        num_samples, kl: as in `ELBO`.

    Raises:
        ValueError: for arguments out of range; when a model is constructed, for parts without such a KL.

    Example:
        >>> import keras_ae as kae
        >>> objective = Capacity(kae.schedules.LinearWarmUp(1000, end=5.0), gamma=100.0)
        >>> kae.models.VAE(latent_dim=4, objective=objective).objective.warm_up
        1000

    References:
        Burgess et al. 2018, arXiv:1804.03599.
    """

    scheduled = ("capacity", "gamma")

    capacity = Hyperparameter(check_value)
    gamma = Hyperparameter(check_value)

    def __init__(
        self,
        capacity: FloatOrSchedule,
        gamma: FloatOrSchedule = 1000.0,
        *,
        num_samples: int = 1,
        kl: str = "auto",
        **kwargs,
    ):
        super().__init__(num_samples=num_samples, kl=kl, **kwargs)
        self.capacity = capacity
        self.gamma = gamma

    def penalty(
        self, kl: tf.Tensor, posterior: tfd.Distribution, prior: tfd.Distribution, step: int | tf.Tensor
    ) -> tf.Tensor:
        return value_at(self.gamma, step) * tf.abs(kl - value_at(self.capacity, step))
