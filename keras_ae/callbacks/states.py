"""The state of callbacks between epochs."""

import collections
from collections.abc import Iterator

import keras

# Keras callbacks have no `get_state`. Their constructor arguments are not part of the state.
_KERAS = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    "History": ("epoch", "history"),
    "ModelCheckpoint": ("best", "epochs_since_last_save"),
    "ReduceLROnPlateau": ("wait", "cooldown_counter", "best"),
    "SwapEMAWeights": ("_ema_weights_in_model",),
}


def state_of(callback: keras.callbacks.Callback) -> dict:
    """Returns the state of a callback: the result of `get_state`, or the known attributes of a Keras callback.

    Returns:
        Nested dictionaries and lists of numbers, strings, `None` and arrays.
    """
    if hasattr(callback, "get_state"):
        return callback.get_state()
    if not type(callback).__module__.startswith("keras."):
        return {}
    return {name: getattr(callback, name) for name in _KERAS.get(type(callback).__name__, ())}


def with_state(callback: keras.callbacks.Callback, state: dict) -> None:
    """Restores the state of a callback from `state_of`."""
    if hasattr(callback, "set_state"):
        callback.set_state(state)
        return
    for name, value in state.items():
        setattr(callback, name, value)
    if state.get("stopped_epoch"):
        callback.model.stop_training = True


def numbered(callbacks: list) -> Iterator[tuple[str, keras.callbacks.Callback]]:
    """Yields pairs of a name and a callback: the class name and the number of earlier callbacks of that class."""
    seen = collections.Counter()
    for callback in callbacks:
        name = type(callback).__name__
        yield f"{name} {seen[name]}", callback
        seen[name] += 1
