"""Schedules: pure functions of the training step, for the weights of a loss and for learning rates.

A schedule is a `keras.optimizers.schedules.LearningRateSchedule`, the one kind of schedule that Keras saves, so that
those of Keras serve a loss (`ELBO(beta=PolynomialDecay(...))`) and those here serve an optimizer
(`Adam(LinearWarmUp(...))`). The step is the number of steps trained before: a schedule has no state, so a resumed
training goes on exactly.
"""

from keras_ae.schedules.cyclical_warm_up import CyclicalWarmUp
from keras_ae.schedules.linear_warm_up import LinearWarmUp
from keras_ae.schedules.values import check_value, duration, value_at

__all__ = ["CyclicalWarmUp", "LinearWarmUp", "check_value", "duration", "value_at"]
