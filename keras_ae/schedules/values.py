"""Arguments that are a number or a schedule."""

import functools
import math
import numbers
from typing import Protocol, runtime_checkable

import keras
import tensorflow as tf

from keras_ae.validation.arguments import check_number, check_positive

_schedules = keras.optimizers.schedules
FloatOrSchedule = float | _schedules.LearningRateSchedule
_LATE = 10**9  # step at which a schedule without an end is checked


@runtime_checkable
class _Ends(Protocol):
    """A schedule that is constant after `num_steps` steps."""

    num_steps: int


def check_value(argument: str, value: object, *, positive: bool = False) -> FloatOrSchedule:
    """Returns a number >= 0 as a `float`, and a schedule unchanged.

    Args:
        argument: the name of the argument, for the error message.
        value: a number, or a `keras.optimizers.schedules.LearningRateSchedule`.
        positive: whether 0 is refused. A schedule without an end may approach 0.

    Raises:
        ValueError: for anything else, and for a schedule that is below 0 at any known step.
    """
    if not isinstance(value, _schedules.LearningRateSchedule):
        check = check_positive if positive else functools.partial(check_number, low=0.0)
        return check(argument, value, also=", or a schedule")
    for step in _steps_to_check(value):
        reached = float(value_at(value, tf.constant(step, tf.int64)))
        above, sign = (reached > 0, ">") if positive and step < _LATE else (reached >= 0, ">=")
        if not (above and reached < math.inf):
            name = type(value).__name__
            raise ValueError(
                f"`{argument}` must be {sign} 0 at every step. Received: {name}, {reached:g} at step {step}"
            )
    return value


def _steps_to_check(schedule):
    """Returns the steps at which a schedule may be lowest: its start, its end and its boundaries."""
    end = duration(schedule)
    steps = {0, _LATE if end is None else end}
    if isinstance(schedule, _schedules.PiecewiseConstantDecay):
        steps |= {int(boundary) + 1 for boundary in schedule.boundaries}
    # Keras' schedules and ours store the length of a phase in these attributes, which no base class declares.
    steps |= {math.ceil(getattr(schedule, name)) for name in ("decay_steps", "period") if hasattr(schedule, name)}
    return sorted(steps)


def value_at(value: FloatOrSchedule, step: int | tf.Tensor) -> float | tf.Tensor:
    """Returns the value of a number or a schedule after `step` steps: a `float`, or a float32 tensor []."""
    if isinstance(value, _schedules.LearningRateSchedule):
        return tf.cast(value(step), tf.float32)
    return value


def duration(value: FloatOrSchedule) -> int | None:
    """Returns the number of steps after which a schedule is constant.

    Args:
        value: a number, a schedule of Keras, or a schedule with an attribute `num_steps`.

    Returns:
        Number of steps, 0 for a number; `None` if a schedule has no known end.

    Example:
        >>> duration(4.0), duration(keras.optimizers.schedules.CosineDecay(1.0, 500))
        (0, 500)
    """
    if isinstance(value, numbers.Real):
        return 0
    if isinstance(value, _schedules.PiecewiseConstantDecay):
        return int(value.boundaries[-1]) + 1  # a boundary itself still has the value before it
    if isinstance(value, _schedules.CosineDecay):
        return math.ceil(value.decay_steps + (0 if value.warmup_target is None else value.warmup_steps))
    if isinstance(value, _schedules.PolynomialDecay):
        return None if value.cycle else math.ceil(value.decay_steps)
    return value.num_steps if isinstance(value, _Ends) else None
