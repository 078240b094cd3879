import keras

from keras_ae.callbacks.after_warm_up import AfterWarmUp, check_monitor
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class EarlyStopping(AfterWarmUp, keras.callbacks.EarlyStopping):
    """Stops training when a metric no longer improves, but not before the end of the warm-up, and explains why.

    While a weight of the loss follows a schedule, losses of different epochs are not comparable. Monitoring starts when
    the schedules of the model's objective have ended: for a validation metric, with the first validation after the end;
    for a training metric (a mean over the steps of an epoch), with the first epoch that starts after it.

    The attribute `reason` explains at any time why training stopped, or why it did not.

    Args:
        monitor: name of the metric.
        patience: number of epochs without improvement after which training stops.
        min_delta: minimum improvement, >= 0.
        mode: `"min"`, `"max"`, or `"auto"`: loss, KL and reconstruction improve downward, `elbo`, `log_...` and
            `active_units` upward, and Keras infers the others.
        baseline: a value that the metric must exceed too, or `None`.
        restore_best_weights: whether to restore the weights of the best epoch at the end.
        warm_up: number of steps to wait; by default the steps of the objective's schedules.
        verbose: 1 prints the reason at the end of training.

    Raises:
        ValueError: for arguments out of range; when training starts, if a schedule of the objective has no end and
            `warm_up` is not given; after an epoch, if the metric does not exist.

    Example:
        >>> import numpy as np
        >>> from keras_ae.models import AE
        >>> model = AE(latent_dim=2)
        >>> model.compile(keras.optimizers.SGD(0.0))
        >>> stopping = EarlyStopping("loss", patience=2)
        >>> history = model.fit(np.ones([8, 4]), epochs=9, verbose=0, callbacks=[stopping])
        >>> print(stopping.reason)
        Stopped after epoch 3 (step 3): loss has not improved for 2 epochs (patience 2): best ... in epoch 1, ...
    """

    state_names = ("wait", "stopped_epoch", "best", "best_epoch")
    argument_names = ("baseline", "restore_best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 5,
        *,
        min_delta: float = 0.0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        warm_up: int | None = None,
        verbose: int = 0,
    ):
        super().__init__(
            monitor=monitor,
            min_delta=check_number("min_delta", min_delta, low=0.0),
            patience=check_size("patience", patience, high=MAX_COUNT),
            mode=check_monitor(monitor, mode),
            baseline=None if baseline is None else check_number("baseline", baseline),
            restore_best_weights=bool(restore_best_weights),
            verbose=verbose,
        )
        self.wait_for(warm_up)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        if self.verbose:
            print(self.reason)

    @property
    def reason(self) -> str:
        """A sentence that explains why training stopped, or why it did not."""
        if self.last_epoch is None:
            return "Not stopped: no epoch has ended."
        verb = "Stopped" if self.stopped_epoch else "Not stopped"
        end = "" if self.best_weights is None else f" The weights of epoch {self.best_epoch + 1} are kept for the end."
        return f"{verb} after epoch {self.last_epoch + 1} (step {self.last_step}): {self._finding()}.{end}"

    def get_state(self) -> dict:
        weights = {f"best_weights_{i}": values for i, values in enumerate(self.best_weights or [])}
        return {**super().get_state(), **weights}

    def set_state(self, state: dict) -> None:
        super().set_state(state)
        num = sum(name.startswith("best_weights_") for name in state)
        self.best_weights = [state[f"best_weights_{i}"] for i in range(num)] or None
        if self.stopped_epoch:
            self.model.stop_training = True

    def _finding(self):
        if self.last_value is None:
            if self.without_value:
                return f"there was no {self.monitor}"
            return f"no epoch has started after the warm-up of {self.wait_until} steps"
        epoch, num = self.last_epoch + 1, f"{self.wait} epoch{'s' * (self.wait != 1)} (patience {self.patience})"
        if self.wait == 0:
            return f"{self.monitor} is at its best in epoch {epoch}, {self.last_value:.6g}"
        margin = f" by more than {abs(self.min_delta):g}" if self.min_delta else ""
        goal = f" on the baseline {self.baseline:g}" if self.baseline is not None else ""
        numbers = f"best {self.best:.6g} in epoch {self.best_epoch + 1}, {self.last_value:.6g} in epoch {epoch}"
        return f"{self.monitor} has not improved{margin}{goal} for {num}: {numbers}"
