import warnings

from keras_ae.callbacks.callback import Callback
from keras_ae.validation.arguments import MAX_COUNT, check_size


class AfterWarmUp(Callback):
    """Base of the callbacks that compare a number from epoch to epoch, once the schedules of the loss have ended.

    A number of the validation counts from the first one after the warm-up, a number of the training (a mean over the
    steps of an epoch) from the first epoch that lies behind it as a whole. The other base is a callback of Keras with a
    `monitor` and a `patience`.

    Args:
        warm_up: steps to wait; those of the objective's schedules for `None`.
    """

    def wait_for(self, warm_up):
        """Keeps the argument `warm_up`, checked."""
        self.warm_up = None if warm_up is None else check_size("warm_up", warm_up, low=0, high=MAX_COUNT)
        self.forget()

    def forget(self):
        """Starts afresh."""
        self.last_epoch = self.last_step = self.last_value = None
        self.without_value = 0

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.forget()
        self.wait_until = self.warm_up
        if self.wait_until is None:
            self.wait_until = getattr(getattr(self.model, "objective", None), "warm_up", 0)
        if self.wait_until is None:
            raise ValueError("`warm_up` must be given: a schedule of the objective does not tell when it ends.")

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step = self.step

    def on_epoch_end(self, epoch, logs=None):
        self.last_epoch, self.last_step = epoch, self.step
        since = self.last_step if self.monitor.startswith("val_") else self.first_step
        value = self.get_monitor_value(logs)
        if value is not None and since >= self.wait_until:
            self.last_value = float(value)
            super().on_epoch_end(epoch, logs)

    def get_monitor_value(self, logs):
        if self.monitor in logs:
            return logs[self.monitor]
        if not self.monitor.startswith("val_") or any(name.startswith("val_") for name in logs):
            raise ValueError(f"`monitor` must be one of {', '.join(logs)}. Received: monitor={self.monitor!r}")
        # An epoch without validation may come from `validation_freq`; so many of them do not.
        self.without_value += 1
        if self.without_value == self.patience and self.last_value is None:
            warnings.warn(
                f"There was no `{self.monitor}` in the first {self.patience} epochs, so that {type(self).__name__} has "
                "nothing to compare: give `validation_data`.",
                stacklevel=2,
            )
        return None


def check_monitor(monitor, mode):
    """Returns in which direction a number of the logs is better: `"min"`, `"max"` or `"auto"`.

    Raises:
        ValueError: for what is no name of the logs, and for another mode.
    """
    if not isinstance(monitor, str) or not monitor:
        raise ValueError(f"`monitor` must be a name of the logs. Received: monitor={monitor!r}")
    if mode not in ("auto", "min", "max"):
        raise ValueError(f'`mode` must be "auto", "min" or "max". Received: mode={mode!r}')
    name = monitor.removeprefix("val_")
    if mode != "auto":
        return mode
    if name in ("loss", "kl", "reconstruction"):
        return "min"
    return "max" if name.startswith(("elbo", "log_", "active_units")) else "auto"
