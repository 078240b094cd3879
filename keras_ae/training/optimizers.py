"""The optimizers of a model: one, and a second one for the discriminator of an adversarial objective."""

import warnings

import keras

from keras_ae.keras_internals import variables_of
from keras_ae.parts import variables_by_path


@keras.saving.register_keras_serializable(package="keras_ae")
class Paced(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule multiplied by a factor.

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


def scaling(optimizer, dtype_policy):
    """An optimizer that scales its loss under a float16 policy, as Keras makes one of the first optimizer."""
    kind = keras.optimizers.LossScaleOptimizer
    if dtype_policy.name != "mixed_float16" or isinstance(optimizer, kind):
        return optimizer
    return kind(optimizer)


def split(model, variables):
    """The variables that the optimizer trains, and those of the discriminator: two lists."""
    others = () if model._adversary is None else set(_ids(model._adversary.discriminator.variables))
    return [each for each in variables if id(each) not in others], [each for each in variables if id(each) in others]


def optimizers_of(model):
    """Each optimizer by its name, with the trainable variables that it trains."""
    first, others = split(model, model.trainable_variables)
    found = {"optimizer": (model.optimizer, first)}
    if model.discriminator_optimizer is not None:
        found["discriminator_optimizer"] = (model.discriminator_optimizer, others)
    return found


def build_optimizers(model, paths=None):
    """Makes the state of the optimizers, one part for each weight that is trained.

    Args:
        model: the `Trainer`.
        paths: dictionary of "optimizer" and "discriminator_optimizer" to the paths of the weights, as
            `variables_by_path` gives them, or `None` for no state; those that are trainable now unless given.
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
    """Whether the optimizers have a state: `True` for one of the weights that are trainable, else their paths."""
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
    """Raises a `ValueError` where a weight is to be trained of which the optimizer has no state."""
    for optimizer, variables in optimizers_of(model).values():
        known = set(_ids(variables_of(optimizer)))
        new = [variable.path for variable in variables if id(variable) not in known]
        if optimizer.built and new:
            raise ValueError(
                f"Call `compile` again: the optimizer was made before {len(new)} of the weights were unfrozen, "
                f"such as {new[0]}."
            )


def warn_of_changed_flags(model, traced):
    """Warns where layers were frozen or unfrozen since the training function was made, which does not see it.

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
