import keras
import tensorflow as tf

from keras_ae.hyperparameters import Hyperparameter
from keras_ae.objectives.penalized_kl import RateDistortion
from keras_ae.schedules import check_value, value_at


@keras.saving.register_keras_serializable(package="keras_ae")
class Capacity(RateDistortion):
    """Holds the rate at a capacity, which may grow while the model trains:

        loss = distortion + gamma * |rate - capacity(step)|

    for each example. A code that is let grow slowly takes up one factor of variation after the other.

    Args:
        capacity: nats an example that the rate is drawn to (symbol C): a number, or a schedule such as
            `LinearWarmUp(100_000, end=25.0)`.
        gamma: weight of the distance, a number >= 0 or a schedule; the paper takes 1000.
        num_samples, rate: as in `ELBO`.

    Raises:
        ValueError: at construction, for arguments out of range; when a model is made, for parts without such a rate.

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

    def __init__(self, capacity, gamma=1000.0, *, num_samples=1, rate="auto", **kwargs):
        super().__init__(num_samples=num_samples, rate=rate, **kwargs)
        self.capacity = capacity
        self.gamma = gamma

    def penalty(self, rate, posterior, prior, step):
        return value_at(self.gamma, step) * tf.abs(rate - value_at(self.capacity, step))

    def get_config(self):
        config = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.scheduled}
        return {**super().get_config(), **config}
