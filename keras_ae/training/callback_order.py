"""The callbacks of `fit`: their checks, and their order."""

import warnings

import keras
import tensorflow as tf

from keras_ae.training.shuffling import EpochSetter


class RunsLast(keras.callbacks.Callback):
    """Base class of callbacks that `fit` runs after all others.

    Attributes:
        others: the other callbacks of this `fit`.
    """

    others = ()


def with_epochs(callbacks, training, validation, own=()) -> tuple:
    """Adds the model's own callbacks, and an `EpochSetter` for the training and the validation dataset.

    Returns:
        (callbacks in their order, the setter)
    """
    setter = EpochSetter(*(getattr(dataset, "epoch", None) for dataset in (training, validation)))
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in (*own, setter):
            callbacks.append(callback)
        callbacks.callbacks[:] = found = _in_order(callbacks.callbacks)
    else:
        callbacks = found = _in_order([*tf.nest.flatten(callbacks or []), *own, setter])
    for callback in own:
        callback.others = found
    return callbacks, setter


def _in_order(callbacks):
    last = [callback for callback in callbacks if isinstance(callback, RunsLast)]
    others = [callback for callback in callbacks if callback not in last]
    if last and not any(isinstance(callback, keras.callbacks.History) for callback in others):
        others.append(keras.callbacks.History())  # Keras would add its own behind all others
    for callback in last:
        callback.others = others
    return [*others, *last]


def as_list(callbacks) -> list:
    """Returns the argument `callbacks` of `fit`, or a `CallbackList`, as a list."""
    return keras.tree.flatten(getattr(callbacks, "callbacks", callbacks) or [])


def check_checkpoints(callbacks) -> None:
    """Raises a `ValueError` for a `ModelCheckpoint` that could not write its file after the first epoch."""
    for callback in as_list(callbacks):
        whole = isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only
        if whole and not callback.filepath.endswith(".keras"):
            raise ValueError(
                "`filepath` of ModelCheckpoint must end in .keras, or in .weights.h5 with save_weights_only=True. "
                f"Received: filepath={callback.filepath!r}"
            )


def warn_of_warm_up(model, callbacks) -> None:
    """Warns of Keras callbacks that compare losses between epochs while a schedule of the loss still changes."""
    end = 0 if model.objective is None else model.objective.warm_up
    if end is not None and int(tf.convert_to_tensor(model.optimizer.iterations)) >= end:
        return
    kinds = (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau)
    for callback in as_list(callbacks):
        name = type(callback).__name__
        plain = isinstance(callback, kinds) and type(callback).__module__.startswith("keras.")
        if plain and callback.monitor in ("loss", "val_loss"):
            warnings.warn(
                f"keras.callbacks.{name} compares losses of different epochs while a schedule of the objective still "
                f"changes: use keras_ae.callbacks.{name}, which waits for its end.",
                stacklevel=3,
            )
            return
