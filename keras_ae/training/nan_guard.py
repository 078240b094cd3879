"""Stops training at a loss that is not finite: restores the last good step, and reports the error."""

import contextlib

import tensorflow as tf

from keras_ae.keras_internals import is_replicated, set_initial_epoch
from keras_ae.training.callback_order import as_list

_HINT = "Choose a lower learning rate, give the optimizer a `clipnorm`, or look at the data."


def all_finite(tensors):
    """Returns whether all values of a list of float tensors are finite: a boolean tensor []."""
    # 0 * v is 0 for every finite v and NaN for all others; the sum needs no mask as large as the tensor.
    probes = [tf.reduce_sum(tf.cast(tensor, tf.float32) * 0.0) for tensor in tensors]
    return tf.math.is_finite(tf.add_n(probes)) if probes else tf.constant(True)


class Copy:
    """A copy of the values of variables.

    Args:
        variables: list of `tf.Variable`.
    """

    def __init__(self, variables):
        self.variables = variables
        self.values = [variable.read_value() for variable in variables]

    def restore(self):
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)


def last_good(run, stack, before):
    """Finds the first bad step of a call by bisection, and restores the state before it.

    The steps are a pure function of the state and the stack, so repeating them with fewer steps is exact.

    Args:
        run: function of a stack that returns (logs, whether everything is finite).
        stack: the stack that failed.
        before: `Copy` of all variables before the call.

    Returns:
        The logs of the bad step.
    """
    good, bad = 0, int(stack["steps"])
    while bad - good > 1:
        middle = (good + bad) // 2
        before.restore()
        _, finite = run({**stack, "steps": tf.constant(middle, stack["steps"].dtype)})
        good, bad = (middle, bad) if bool(finite) else (good, middle)
    before.restore()
    logs, _ = run({**stack, "steps": tf.constant(bad, stack["steps"].dtype)})
    before.restore()
    if good:
        run({**stack, "steps": tf.constant(good, stack["steps"].dtype)})
    return logs


def not_finite(logs, step, epoch):
    """Returns the `FloatingPointError` that ends training.

    Args:
        logs: means of the loss and its terms, up to and including the bad step.
        step: number of the bad step, counted from 1.
        epoch: number of its epoch, counted from 1, or `None`.
    """
    values = {name: float(value) for name, value in logs.items()}
    terms = [name for name, value in values.items() if not _finite(value)]
    terms = [name for name in terms if name != "loss"] or terms
    what = ", ".join(f"`{name}` is {values[name]:g}" for name in terms) or "the gradient or a state is not finite"
    where = f"step {step}" if epoch is None else f"step {step}, in epoch {epoch}"
    return FloatingPointError(
        f"Training stopped at {where}: {what}. The model keeps the weights of step {step - 1}. {_HINT}"
    )


def _finite(value):
    return value - value == 0


@contextlib.contextmanager
def reporting(model, callbacks):
    """Context that calls `on_halt` of the callbacks that have it when the loss is not finite.

    Afterwards, `fit` starts again at its argument `initial_epoch`.
    """
    try:
        yield
    except FloatingPointError:
        for callback in as_list(callbacks):
            if hasattr(callback, "on_halt"):
                callback.on_halt()
        raise
    finally:
        set_initial_epoch(model, None)  # a restored backup may have set it


@contextlib.contextmanager
def noticing_lost_workers(model):
    """Context that explains the errors of a lost worker."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError) as error:
        if not is_replicated(model):
            raise
        reason = str(error).split("Collective ops is aborted by: ")[-1].split(" The error could be")[0].strip()
        raise RuntimeError(
            "Stopped: another worker does not answer. Start all workers again: with a BackupAndRestore callback, "
            f"training continues from the last backup. TensorFlow reports: {reason}"
        ) from error
