import functools
import math

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard, Hyperparameter
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size


def _check_fraction(argument, value):
    value = check_number(argument, value)
    if not 0 < value <= 1:
        raise ValueError(f"`{argument}` must be in (0, 1]. Received: {argument}={value!r}")
    return value


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
    fraction = Hyperparameter(_check_fraction)
    start = Hyperparameter(check_number)
    end = Hyperparameter(check_number)

    def __init__(self, period, num_cycles=4, *, fraction=0.5, start=0.0, end=1.0):
        self.period = period
        self.num_cycles = num_cycles
        self.fraction = fraction
        self.start = start
        self.end = end

    @property
    def num_steps(self):
        """Number of steps after which the value is constant."""
        return (self.num_cycles - 1) * self.period + math.ceil(self.fraction * self.period)

    def __call__(self, step):
        step = tf.cast(step, tf.int64)
        share = tf.minimum(tf.cast(step % self.period, tf.float32) / (self.fraction * self.period), 1.0)
        share = tf.where(step < min(self.num_cycles * self.period, tf.int64.max), share, 1.0)
        return self.start * (1.0 - share) + self.end * share  # exact at both ends

    def get_config(self):
        return {
            "period": self.period,
            "num_cycles": self.num_cycles,
            "fraction": self.fraction,
            "start": self.start,
            "end": self.end,
        }
