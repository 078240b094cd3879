"""The private attributes of Keras and TensorFlow that keras_ae uses: a function each, and a table of all.

Tried with Keras 3.15.1 and TensorFlow 2.21.0. `tests/test_keras_internals.py` looks for each of them in the installed
versions, says what it is used for where it is gone, and makes sure that no other file uses one.
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

# What each is used for.
USES = {
    "_flatten_layers": "all layers inside of a layer, however deep",
    "_trainable_variables": "the variables of a layer that were made to be trained, and those that an optimizer trains",
    "_tracker": "to put a fitted sampler into a model that is built",
    "_handle_deferred_dependencies": "to restore a checkpoint that was read before the model was built",
    "_trackable_children": "overridden in `parts.Checkpointed`: checkpoints of layers in lists",
    "_distribute_strategy": "whether a model was made under a strategy of tf.distribute",
    "_initial_epoch": "to resume a training at a later epoch",
    "_eval_epoch_iterator": "how many steps a call of the validation in `fit` takes",
    "_use_cached_eval_dataset": "the argument by which `fit` calls `evaluate`",
    "_iterations": "how often an optimizer was given gradients",
    "_learning_rate": "the schedule of an optimizer",
    "_value": "a variable itself, inside of a scope in which its value is another one",
    "_tf_trackable": "to add the function `serve` to a SavedModel",
    "_inputs": "the datasets that a dataset is made of; overridden in `replication.WholeBatches`",
}


def layers_in(layer: keras.layers.Layer, *, include_self: bool = True) -> list[keras.layers.Layer]:
    """All layers inside of a layer, those outside first."""
    return list(layer._flatten_layers(include_self=include_self))


def made_to_be_trained(layer: keras.layers.Layer) -> list[keras.Variable]:
    """The variables of a layer itself that were made with `trainable=True`, whatever they are now."""
    return layer._trainable_variables


@contextlib.contextmanager
def unlocked(layer: keras.layers.Layer, *replaced: Any) -> Iterator[None]:
    """Within it, a built layer takes another layer by an assignment, in place of those in `replaced`."""
    layer._tracker.unlock()
    try:
        for part in replaced:
            layer._tracker.untrack(part)
        yield
    finally:
        layer._tracker.lock()


def restore_deferred(layer: keras.layers.Layer, variables: dict[str, keras.Variable]) -> None:
    """Gives variables the values of a checkpoint that was restored before they were made."""
    for name, variable in variables.items():
        layer._handle_deferred_dependencies(name, variable)


def is_replicated(model: keras.Model) -> bool:
    """Whether a model was made under a strategy of `tf.distribute`."""
    return model._distribute_strategy is not None


def set_initial_epoch(model: keras.Model, epoch: int | None) -> None:
    """The epoch at which `fit` begins; `None` for the one that its argument says."""
    model._initial_epoch = epoch


def set_validation_steps_per_call(model: keras.Model, steps: int) -> None:
    """How many steps a call of the test function takes in the validation of `fit`."""
    model._eval_epoch_iterator.steps_per_execution = steps


def is_validation_of_fit(arguments: Iterable[str]) -> bool:
    """Whether the names of further arguments of `evaluate` say that `fit` calls it."""
    return "_use_cached_eval_dataset" in arguments


def inner(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer that one with a scaled loss is made around, else the optimizer."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def calls(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """How often an optimizer was given gradients: not how often it moved, where it accumulates them."""
    return inner(optimizer)._iterations


def variables_of(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The weights that an optimizer has a state for: a list, empty before it was built."""
    optimizer = inner(optimizer)
    return list(optimizer._trainable_variables) if optimizer.built else []


def schedule_of(optimizer: keras.optimizers.Optimizer | None) -> Any:
    """The learning rate of an optimizer: a variable or a schedule."""
    return getattr(inner(optimizer), "_learning_rate", None)


def value_outside_of_scopes(variable: keras.Variable) -> tf.Variable:
    """The TensorFlow variable of a variable of Keras, also within a `keras.StatelessScope`."""
    return variable._value


def add_function(archive: keras.export.ExportArchive, name: str, function: Any) -> None:
    """Adds a function to an archive that is no signature of the SavedModel."""
    setattr(archive._tf_trackable, name, function)


def inputs_of(dataset: Any) -> list[Any]:
    """The datasets that a `tf.data.Dataset` is made of; none of anything else."""
    return getattr(dataset, "_inputs", list)()
