import functools

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard, Hyperparameter
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class LinearWarmUp(ArgumentGuard, keras.optimizers.schedules.LearningRateSchedule):
    """Changes linearly from a start value to an end value, and stays there:

        value(step) = start + (end - start) * min(step / num_steps, 1)

    As the weight of the KL, it is KL warm-up: `ELBO(beta=LinearWarmUp(1000))`. As the target of the KL, it is the
    growing capacity of Burgess 2018: `Capacity(LinearWarmUp(25_000, end=25.0))`.

    Args:
        num_steps: number of steps until the end value is reached.
        start: the value of the first step.
        end: the value from step `num_steps` on.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> warm_up = LinearWarmUp(10)
        >>> [round(float(warm_up(step)), 2) for step in (0, 1, 5, 10, 99)]
        [0.0, 0.1, 0.5, 1.0, 1.0]

    References:
        Bowman et al. 2016, arXiv:1511.06349, and Soenderby et al. 2016, arXiv:1602.02282, for the warm-up;
        Burgess et al. 2018, arXiv:1804.03599, for the capacity.
    """

    num_steps = Hyperparameter(functools.partial(check_size, high=MAX_COUNT))
    start = Hyperparameter(check_number)
    end = Hyperparameter(check_number)

    def __init__(self, num_steps: int, start: float = 0.0, end: float = 1.0):
        self.num_steps = num_steps
        self.start = start
        self.end = end

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        share = tf.minimum(tf.cast(step, tf.float32) / self.num_steps, 1.0)
        return self.start * (1.0 - share) + self.end * share  # exact at both ends

    def get_config(self):
        return {"num_steps": self.num_steps, "start": self.start, "end": self.end}
