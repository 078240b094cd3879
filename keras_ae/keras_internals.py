"""The private attributes of Keras and TensorFlow that keras_ae uses: one function for each, and a table of all.

Tested with Keras 3.15.1 and TensorFlow 2.21.0. `tests/test_keras_internals.py` checks that the installed versions have
each of them, reports what a missing one is used for, and verifies that no other file uses any.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

# The purpose of each.
USES = {
    "_flatten_layers": "all layers inside a layer, at any depth",
    "_trainable_variables": "variables of a layer that were created as trainable, and variables of an optimizer",
    "_tracker": "to replace the sampler of a built model",
    "_handle_deferred_dependencies": "to restore a checkpoint that was read before the model was built",
    "_trackable_children": "overridden in `parts.Checkpointed`: checkpoints of layers in lists",
    "_distribute_strategy": "whether a model was made under a strategy of tf.distribute",
    "_initial_epoch": "to resume a training at a later epoch",
    "_eval_epoch_iterator": "the steps per call of the validation in `fit`",
    "_use_cached_eval_dataset": "the argument by which `fit` calls `evaluate`",
    "_iterations": "the number of calls of an optimizer",
    "_learning_rate": "the schedule of an optimizer",
    "_distributed_tf_update_step": "overridden: the variables of a replica updated in one program, or of a worker",
    "_value": "the TensorFlow variable inside a stateless scope, which replaces its value; replaced for a worker alone",
    "_tf_trackable": "to add the function `serve` to a SavedModel",
    "_inputs": "the inputs of a dataset; overridden in `replication.WholeBatches`",
}


def layers_in(layer: keras.layers.Layer, *, include_self: bool = True) -> list[keras.layers.Layer]:
    """Returns all layers inside a layer, outer layers first."""
    return list(layer._flatten_layers(include_self=include_self))


def made_to_be_trained(layer: keras.layers.Layer) -> list[keras.Variable]:
    """Returns the variables of a layer itself that were created as trainable, even if they are frozen now."""
    return layer._trainable_variables


@contextlib.contextmanager
def unlocked(layer: keras.layers.Layer, *replaced: Any) -> Iterator[None]:
    """Context in which a built layer accepts new layers, in place of those in `replaced`."""
    layer._tracker.unlock()
    try:
        for part in replaced:
            layer._tracker.untrack(part)
        yield
    finally:
        layer._tracker.lock()


def restore_deferred(layer: keras.layers.Layer, variables: dict[str, keras.Variable]) -> None:
    """Assigns values of a checkpoint that was restored before the variables were created."""
    for name, variable in variables.items():
        layer._handle_deferred_dependencies(name, variable)


def is_replicated(model: keras.Model) -> bool:
    """Returns whether a model was made under a strategy of `tf.distribute`."""
    return model._distribute_strategy is not None


def set_initial_epoch(model: keras.Model, epoch: int | None) -> None:
    """Sets the epoch at which `fit` starts; `None` for its argument `initial_epoch`."""
    model._initial_epoch = epoch


def set_validation_steps_per_call(model: keras.Model, steps: int) -> None:
    """Sets the steps per call of the test function in the validation of `fit`."""
    model._eval_epoch_iterator.steps_per_execution = steps


def is_validation_of_fit(arguments: Iterable[str]) -> bool:
    """Returns whether `fit` calls `evaluate`, given the names of its other arguments."""
    return "_use_cached_eval_dataset" in arguments


def inner(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Returns the optimizer inside a `LossScaleOptimizer`, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def calls(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """Returns the number of calls of an optimizer, including calls that only accumulate gradients."""
    return inner(optimizer)._iterations


def variables_of(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Returns the weights for which an optimizer has state; an empty list before it is built."""
    optimizer = inner(optimizer)
    return list(optimizer._trainable_variables) if optimizer.built else []


def schedule_of(optimizer: keras.optimizers.Optimizer | None) -> Any:
    """Returns the learning rate of an optimizer: a variable or a schedule."""
    return getattr(inner(optimizer), "_learning_rate", None)


@contextlib.contextmanager
def updated_at_once(
    optimizer: keras.optimizers.Optimizer, strategy: tf.distribute.Strategy, *, jit_compile: bool
) -> Iterator[None]:
    """Context in which an optimizer updates all variables of a device in one function.

    Keras updates each variable with a dozen operations.
    """

    def update(_, gradients_and_variables, learning_rate):
        gradients, variables = zip(*gradients_and_variables, strict=True)

        def on_device(_, gradients, variables, learning_rate):
            def update_all():
                for gradient, variable in zip(gradients, variables, strict=True):
                    optimizer.update_step(gradient, variable, learning_rate)

            tf.function(update_all, jit_compile=jit_compile, autograph=False)()

        arguments = (list(gradients), list(variables), learning_rate)
        strategy.extended.update(variables[0], on_device, args=arguments, group=False)

    with _updated_by(optimizer, update):
        yield


@contextlib.contextmanager
def updated_directly(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Context in which an optimizer updates the variables of this process, without their strategy."""

    def update(_, gradients_and_variables, learning_rate):
        for gradient, variable in gradients_and_variables:
            optimizer.update_step(gradient, variable, learning_rate)

    with _updated_by(optimizer, update):
        yield


@contextlib.contextmanager
def _updated_by(optimizer, update):
    optimizer._distributed_tf_update_step = update
    try:
        yield
    finally:
        del optimizer._distributed_tf_update_step


@contextlib.contextmanager
def with_values(pairs: Iterable[tuple[keras.Variable, tf.Variable]]) -> Iterator[None]:
    """Context in which Keras variables hold other TensorFlow variables, for example the local ones of a worker."""
    before = [(variable, variable._value) for variable, _ in pairs]
    for variable, value in pairs:
        variable._value = value
    try:
        yield
    finally:
        for variable, value in before:
            variable._value = value


def value_outside_of_scopes(variable: keras.Variable) -> tf.Variable:
    """Returns the TensorFlow variable of a Keras variable, also within a `keras.StatelessScope`."""
    return variable._value


def add_function(archive: keras.export.ExportArchive, name: str, function: Any) -> None:
    """Adds a function to an archive without a signature in the SavedModel."""
    setattr(archive._tf_trackable, name, function)


def inputs_of(dataset: Any) -> list[Any]:
    """Returns the inputs of a `tf.data.Dataset`; [] for other objects."""
    return getattr(dataset, "_inputs", list)()
