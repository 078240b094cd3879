"""The optimizer of a model, and a second one for the discriminator of an adversarial objective."""

import warnings

import keras

from keras_ae.keras_internals import variables_of
from keras_ae.parts import variables_by_path


@keras.saving.register_keras_serializable(package="keras_ae")
class Paced(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule multiplied by a factor.

    Args:
        schedule: a Keras schedule.
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


def like(optimizer, pace=1.0):
    """Returns a new optimizer with the arguments of another, and its learning rate times `pace`."""
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


def scaling(optimizer, dtype_policy):
    """Wraps an optimizer with loss scaling under a float16 policy, as Keras does for the optimizer of `compile`."""
    kind = keras.optimizers.LossScaleOptimizer
    if dtype_policy.name != "mixed_float16" or isinstance(optimizer, kind):
        return optimizer
    return kind(optimizer)


def trained_variables(model):
    """Returns the weights that a step changes: all that were trainable when the training function was made."""
    if model._traced is None:
        return model.trainable_variables
    return [variable for variable in model.variables if id(variable) in model._traced]


def split(model, variables):
    """Splits variables into two lists: what the optimizer trains, and the discriminator's."""
    others = () if model._adversary is None else set(_ids(model._adversary.discriminator.variables))
    return [each for each in variables if id(each) not in others], [each for each in variables if id(each) in others]


def optimizers_of(model):
    """Returns the optimizers by name, each with the trainable variables that it trains."""
    first, others = split(model, model.trainable_variables)
    found = {"optimizer": (model.optimizer, first)}
    if model.discriminator_optimizer is not None:
        found["discriminator_optimizer"] = (model.discriminator_optimizer, others)
    return found


def build_optimizers(model, paths=None):
    """Builds the optimizers, with state for each weight that is trained.

    Args:
        model: the `Trainer`.
        paths: dictionary of "optimizer" and "discriminator_optimizer" to the weights' paths of `variables_by_path`, or
            to `None` for no state; by default, all weights that are trainable now.
    """
    found = optimizers_of(model)
    if paths is not None:
        known = variables_by_path(model)
        found = {
            name: (found[name][0], [known[path] for path in each]) for name, each in paths.items() if each is not None
        }
    for optimizer, variables in found.values():
        if not optimizer.built:
            optimizer.build(variables)


def trained_paths(model):
    """Returns `False` if the optimizers have no state, `True` if they have one for all trainable weights, or paths."""
    if not model.optimizer.built:
        return False
    found = optimizers_of(model)
    if all(_ids(variables_of(optimizer)) == _ids(variables) for optimizer, variables in found.values()):
        return True
    paths = {id(variable): path for path, variable in variables_by_path(model).items()}
    return {
        name: [paths[id(each)] for each in variables_of(optimizer)] if optimizer.built else None
        for name, (optimizer, _) in found.items()
    }


def check_known(model):
    """Raises a `ValueError` if an optimizer that is built has no state for a weight that is trainable."""
    for optimizer, variables in optimizers_of(model).values():
        known = set(_ids(variables_of(optimizer)))
        new = [variable.path for variable in variables if id(variable) not in known]
        if optimizer.built and new:
            raise ValueError(
                f"Call `compile` again: the optimizer was built before {len(new)} of the weights were unfrozen, "
                f"such as {new[0]}."
            )


def warn_of_changed_flags(model, traced):
    """Warns if layers were frozen or unfrozen after the training function was made, which has no effect on it.

    Args:
        model: the `Trainer`.
        traced: ids of the variables that the training function trains, or `None`.
    """
    if model.train_function is not None and traced not in (None, frozenset(_ids(model.trainable_variables))):
        warnings.warn(
            f"`trainable` of layers of this {type(model).__name__} has changed since `compile`, and has no effect "
            "on training before `compile` is called again.",
            stacklevel=3,
        )


def _ids(variables):
    return [id(variable) for variable in variables]
