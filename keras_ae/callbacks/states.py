"""What callbacks remember from epoch to epoch."""

import collections

# Those of Keras cannot say it themselves. What they are given by their arguments is not among it.
_KERAS = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    "History": ("epoch", "history"),
    "ModelCheckpoint": ("best", "epochs_since_last_save"),
    "ReduceLROnPlateau": ("wait", "cooldown_counter", "best"),
    "SwapEMAWeights": ("_ema_weights_in_model",),
}


def state_of(callback):
    """What a callback remembers: what its `get_state` gives, or the attributes that are known of one of Keras.

    Returns:
        Nested dictionaries and lists of numbers, strings, `None` and arrays.
    """
    if hasattr(callback, "get_state"):
        return callback.get_state()
    if not type(callback).__module__.startswith("keras."):
        return {}
    return {name: getattr(callback, name) for name in _KERAS.get(type(callback).__name__, ())}


def with_state(callback, state):
    """Gives a callback what `state_of` found."""
    if hasattr(callback, "set_state"):
        callback.set_state(state)
        return
    for name, value in state.items():
        setattr(callback, name, value)
    if state.get("stopped_epoch"):
        callback.model.stop_training = True


def numbered(callbacks):
    """Pairs of a name and a callback: the name of its class, and how many of that class came before it."""
    seen = collections.Counter()
    for callback in callbacks:
        name = type(callback).__name__
        yield f"{name} {seen[name]}", callback
        seen[name] += 1
