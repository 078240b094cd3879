"""The functions that run the steps of a model: one by one, as Keras does, or a whole stack in one call."""

import contextlib
import functools

import keras
import tensorflow as tf

from keras_ae.keras_internals import calls, is_replicated
from keras_ae.training.local_steps import takes_local_steps, train_locally
from keras_ae.training.nan_guard import Copy, all_finite, last_good, not_finite
from keras_ae.training.replication import test_on_replicas, train_on_replicas
from keras_ae.training.stacks import is_stacked, looped


def make_train_function(model, one_by_one):
    """Returns a function that runs the next training steps of an iterator, and returns the metrics.

    If a value is not finite, it restores the last good weights and raises an error.

    Args:
        model: the `Trainer`.
        one_by_one: Keras' own function of an iterator, which runs one step.
    """
    if takes_local_steps(model):
        at_once = train_locally(model, jit_compile=bool(model.jit_compile))
    else:
        at_once = _at_once(model, model.train_step, train_on_replicas)
    finite = tf.function(lambda: all_finite(model._must_be_finite()), autograph=False)
    state = functools.cache(lambda: _state(model))  # the optimizer has its variables before the first call

    def run(iterator):
        before = Copy(state())
        if is_stacked(iterator):
            stack = next(iterator)
            logs, fine = at_once(stack)
        else:
            logs = one_by_one(iterator)
            fine = finite()
        if not fine:
            if is_stacked(iterator):
                logs = last_good(at_once, stack, before)
            else:
                before.restore()
            raise not_finite(
                {tracker.name: logs[tracker.name] for tracker in model.trackers},
                int(keras.ops.convert_to_numpy(calls(model.optimizer))) + 1,
                getattr(model._epochs, "epoch", None),
            )
        model._has_stepped = True
        return logs

    return run


def make_test_function(model, one_by_one):
    """Returns a function that runs the next evaluation steps of an iterator. See `make_train_function`."""
    at_once = _at_once(model, model.test_step, test_on_replicas)
    return lambda iterator: at_once(next(iterator))[0] if is_stacked(iterator) else one_by_one(iterator)


def _at_once(model, step, on_replicas):
    """Returns a function of a stack that returns (metrics, whether everything is finite)."""
    xla = bool(model.jit_compile)
    if is_replicated(model):
        step = on_replicas(model, jit_compile=xla)
    return looped(step, model.get_metrics_result, model._must_be_finite, jit_compile=xla and not is_replicated(model))


def _state(model):
    """Returns all variables that a training step changes; under a strategy, the parts of this process.

    To read a part is much faster than to read the whole: the step of a worker would wait for its copies.
    """
    variables = (*model.variables, *model.optimizer_variables, *model.metrics_variables)
    found = {id(variable): variable.value for variable in variables}.values()
    return [part for each in found for part in model.distribute_strategy.experimental_local_results(each)]


def stacked_steps(model, feed, learning=False):
    """Returns how many steps of a `Feed` to stack for one call; `None` if Keras runs them one by one.

    Args:
        model: the `Trainer`.
        feed: the data.
        learning: whether they are training steps.
    """
    wanted = model._compile_arguments["steps_per_execution"]
    if is_replicated(model):
        if not feed.has_length or model.run_eagerly:
            raise ValueError(
                "Under a strategy of tf.distribute, `x` must be arrays, or a tf.data.Dataset of known length or "
                "with `steps_per_epoch`, and `run_eagerly` must be off."
            )
        alone = takes_local_steps(model) and learning
        return feed.steps_per_call(model.local_steps if alone else wanted)
    if model.run_eagerly or not feed.stackable:
        return None
    if model.jit_compile:  # batches of a stack have one size, so XLA compiles once
        return feed.steps_per_call(wanted if model._prefers_xla else 1)
    one_by_one = wanted == 1 and feed.has_length  # without a known end, Keras' own loop counts one step too many
    return None if one_by_one else feed.steps_per_call(wanted)


@contextlib.contextmanager
def running(model, per_call):
    """Context that sets the steps per call of Keras' loops.

    With Keras' own loop it is 1, because after several steps it would be unknown which one was not finite.
    """
    before = model.steps_per_execution
    model.steps_per_execution = per_call or 1
    try:
        yield
    finally:
        model.steps_per_execution = before
