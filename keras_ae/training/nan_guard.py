"""Detects a loss that is not finite, restores the last good step, and reports the error."""

import contextlib

import tensorflow as tf

from keras_ae.keras_internals import set_initial_epoch

_HINT = "Choose a lower learning rate, give the optimizer a `clipnorm`, or look at the data."


def all_finite(tensors):
    """Whether all values of a list of float tensors are finite: a boolean scalar tensor."""
    # 0 * v is 0 for every finite v and NaN for all others: one number a tensor, without a mask of its size.
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
    """Restores the last step of a call after which everything was finite.

    The steps of a call are a pure function of their start, so the call can be repeated with fewer steps, bitwise
    exactly.

    Args:
        run: function from a stack to (logs, whether everything is finite).
        stack: the stack that failed.
        before: `Copy` of all variables before the call.

    Returns:
        The logs of the failed step. The variables have their values after the last good step.
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
    """Returns the error that ends the training.

    Args:
        logs: means of the loss and its terms, up to and with the step that failed.
        step: the number of this step, counted from 1.
        epoch: the number of its epoch, counted from 1, or `None`.

    Returns:
        A `FloatingPointError`.
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
    """Tells callbacks of a loss that is not finite (`on_halt`, where they have it).

    However the training ends, the next one starts where its `initial_epoch` says.
    """
    try:
        yield
    except FloatingPointError:
        for callback in getattr(callbacks, "callbacks", callbacks):
            if hasattr(callback, "on_halt"):
                callback.on_halt()
        raise
    finally:
        set_initial_epoch(model, None)  # which a restored backup has set


@contextlib.contextmanager
def noticing_lost_workers(model):
    """Says in a sentence when another worker is lost."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError) as error:
        if not model.replicated:
            raise
        reason = str(error).split("Collective ops is aborted by: ")[-1].split(" The error could be")[0].strip()
        raise RuntimeError(
            "Stopped: another worker does not answer. Start all of them again: a training with a BackupAndRestore "
            f"callback goes on from the last backup. TensorFlow says: {reason}"
        ) from error
