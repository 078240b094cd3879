import warnings

from keras_ae.callbacks.callback import Callback
from keras_ae.validation.arguments import MAX_COUNT, check_size

_STATE = ("last_epoch", "last_step", "last_value", "without_value")


class AfterWarmUp(Callback):
    """Base class of callbacks that compare a metric between epochs once the schedules of the loss have ended.

    A validation metric counts from the first validation after the warm-up; a training metric (a mean over the steps of
    an epoch) from the first epoch that starts after it. The second base class is a Keras callback with `monitor` and
    `patience`.

    Args:
        warm_up: number of steps to wait; `None` for the steps of the objective's schedules.

    Class attributes:
        state_names: attributes of the Keras callback that a backup holds.
        argument_names: arguments of the Keras callback, besides `min_delta`.
    """

    state_names: tuple[str, ...] = ()
    argument_names: tuple[str, ...] = ()

    def wait_for(self, warm_up: int | None) -> None:
        """Validates and stores the argument `warm_up`."""
        self.warm_up = None if warm_up is None else check_size("warm_up", warm_up, low=0, high=MAX_COUNT)
        self.forget()

    def forget(self) -> None:
        """Resets the state."""
        self.last_epoch = self.last_step = self.last_value = None
        self.without_value = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.forget()
        self.wait_until = self.warm_up
        if self.wait_until is None:
            objective = getattr(self.model, "objective", None)  # plain Keras models have none
            self.wait_until = 0 if objective is None else objective.warm_up
        if self.wait_until is None:
            raise ValueError("`warm_up` must be given, because a schedule of the objective has no known end.")

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.first_step = self.step

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.last_epoch, self.last_step = epoch, self.step
        since = self.last_step if self.monitor.startswith("val_") else self.first_step
        value = self.get_monitor_value(logs)
        if value is not None and since >= self.wait_until:
            self.last_value = float(value)
            super().on_epoch_end(epoch, logs)

    def get_monitor_value(self, logs: dict | None) -> float | None:
        if self.monitor in logs:
            return logs[self.monitor]
        if not self.monitor.startswith("val_") or any(name.startswith("val_") for name in logs):
            raise ValueError(f"`monitor` must be one of {', '.join(logs)}. Received: monitor={self.monitor!r}")
        # `validation_freq` explains a few epochs without validation, but not this many.
        self.without_value += 1
        if self.without_value == self.patience and self.last_value is None:
            warnings.warn(
                f"There was no `{self.monitor}` in the first {self.patience} epochs, so {type(self).__name__} has "
                "nothing to compare: pass `validation_data`.",
                stacklevel=2,
            )
        return None

    def get_state(self) -> dict:
        return {name: getattr(self, name) for name in (*self.state_names, *_STATE)}

    def set_state(self, state: dict) -> None:
        for name in (*self.state_names, *_STATE):
            setattr(self, name, state[name])

    def get_config(self) -> dict:
        # Keras flips the sign of `min_delta` when it starts to compare.
        arguments = {name: getattr(self, name) for name in ("monitor", "patience", "mode", *self.argument_names)}
        return {**arguments, "min_delta": abs(self.min_delta), "warm_up": self.warm_up, "verbose": self.verbose}


def check_monitor(monitor: str, mode: str) -> str:
    """Returns the direction in which a metric of the logs improves: `"min"`, `"max"` or `"auto"`.

    Raises:
        ValueError: for an invalid name, and for any other mode.
    """
    if not isinstance(monitor, str) or not monitor:
        raise ValueError(f"`monitor` must be the name of a metric. Received: monitor={monitor!r}")
    if mode not in ("auto", "min", "max"):
        raise ValueError(f'`mode` must be "auto", "min" or "max". Received: mode={mode!r}')
    name = monitor.removeprefix("val_")
    if mode != "auto":
        return mode
    if name in ("loss", "kl", "reconstruction"):
        return "min"
    return "max" if name.startswith(("elbo", "log_", "active_units")) else "auto"
