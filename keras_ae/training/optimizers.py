import keras


@keras.saving.register_keras_serializable(package="keras_ae")
class Paced(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule times a factor.

    Args:
        schedule: the other one.
        factor: a number > 0.
    """

    def __init__(self, schedule, factor):
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        return self.factor * self.schedule(step)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["factor"])


def calls(optimizer):
    """How often an optimizer was given gradients: not how often it moved, where it accumulates them."""
    return getattr(optimizer, "inner_optimizer", optimizer)._iterations


def variables_of(optimizer):
    """The weights that an optimizer has a state for: a list, empty before it was built."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return list(optimizer._trainable_variables) if optimizer.built else []


def like(optimizer, pace=1.0):
    """A new optimizer with the arguments of another, and its learning rate times `pace`."""
    config = optimizer.get_config()
    if pace != 1.0:
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        own = config["inner_optimizer"]["config"] if scales else config
        rate = own["learning_rate"]
        own["learning_rate"] = _paced(rate, pace) if isinstance(rate, dict) else pace * rate
    return type(optimizer).from_config(config)


def _paced(schedule, pace):
    schedule = keras.saving.deserialize_keras_object(schedule)
    return keras.saving.serialize_keras_object(Paced(schedule, pace))
