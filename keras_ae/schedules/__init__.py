"""Schedules: pure functions of the training step, for the weights of a loss and for learning rates.

A schedule is a `keras.optimizers.schedules.LearningRateSchedule`, the only kind of schedule that Keras saves. Keras'
schedules therefore work in a loss (`ELBO(beta=PolynomialDecay(...))`), and these schedules in an optimizer
(`Adam(LinearWarmUp(...))`). The step is the number of completed steps. A schedule has no state, so resumed training
continues exactly.
"""

from keras_ae.schedules.cyclical_warm_up import CyclicalWarmUp
from keras_ae.schedules.linear_warm_up import LinearWarmUp
from keras_ae.schedules.values import check_value, duration, value_at

__all__ = ["CyclicalWarmUp", "LinearWarmUp", "check_value", "duration", "value_at"]
