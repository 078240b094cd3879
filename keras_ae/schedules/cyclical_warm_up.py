import functools
import math

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard, Hyperparameter
from keras_ae.validation.arguments import MAX_COUNT, check_fraction, check_number, check_size

_check_count = functools.partial(check_size, high=MAX_COUNT)


@keras.saving.register_keras_serializable(package="keras_ae")
class CyclicalWarmUp(ArgumentGuard, keras.optimizers.schedules.LearningRateSchedule):
    """Cyclical annealing: every cycle rises linearly from a start value to an end value and stays there.

        value(step) = start + (end - start) * min(tau / fraction, 1),  tau = (step mod period) / period

    for `num_cycles` cycles; then the value stays at `end`.

    Args:
        period: steps per cycle (T / M in the paper, for T steps of training).
        num_cycles: number of cycles (symbol M).
        fraction: the fraction of a cycle that rises, in (0, 1] (symbol R).
        start: the value at the start of a cycle.
        end: the value at the end of a cycle.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> warm_up = CyclicalWarmUp(period=10, num_cycles=2)
        >>> [round(float(warm_up(step)), 2) for step in (0, 1, 5, 9, 10, 11, 15, 20)]
        [0.0, 0.2, 1.0, 1.0, 0.0, 0.2, 1.0, 1.0]

    References:
        Fu et al. 2019, arXiv:1903.10145.
    """

    period = Hyperparameter(_check_count, live=False)
    num_cycles = Hyperparameter(_check_count, live=False)
    fraction = Hyperparameter(functools.partial(check_fraction, interval="(0, 1]"))
    start = Hyperparameter(check_number)
    end = Hyperparameter(check_number)

    def __init__(
        self, period: int, num_cycles: int = 4, *, fraction: float = 0.5, start: float = 0.0, end: float = 1.0
    ):
        self.period = period
        self.num_cycles = num_cycles
        self.fraction = fraction
        self.start = start
        self.end = end

    @property
    def num_steps(self) -> int:
        """Number of steps after which the value is constant."""
        return (self.num_cycles - 1) * self.period + math.ceil(self.fraction * self.period)

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.int64)
        share = tf.minimum(tf.cast(step % self.period, tf.float32) / (self.fraction * self.period), 1.0)
        share = tf.where(step < min(self.num_cycles * self.period, tf.int64.max), share, 1.0)
        return self.start * (1.0 - share) + self.end * share  # exact at both ends

    def get_config(self):
        return {name: getattr(self, name) for name in ("period", "num_cycles", "fraction", "start", "end")}
