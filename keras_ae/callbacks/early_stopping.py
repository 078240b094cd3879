import keras

from keras_ae.callbacks.after_warm_up import AfterWarmUp, check_monitor
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size

_STATE = ("wait", "stopped_epoch", "best", "best_epoch", "last_epoch", "last_step", "last_value", "without_value")


@keras.saving.register_keras_serializable(package="keras_ae")
class EarlyStopping(AfterWarmUp, keras.callbacks.EarlyStopping):
    """Stops when a number gets better no more, not before the warm-up has ended, and says why.

    While a weight of the loss follows a schedule, losses of different epochs do not compare. This one starts to watch
    where the schedules of the model's objective have ended: a number of the validation from the first one after it, a
    number of the training (a mean over the steps of an epoch) from the first epoch that lies behind it as a whole.

    The attribute `reason` is a sentence on why the training stopped, or why not, at any time.

    Args:
        monitor: what to watch: a name of the logs.
        patience: how many epochs without an improvement end the training.
        min_delta: how much an improvement must be more than, >= 0.
        mode: `"min"`, `"max"`, or `"auto"`: loss, KL and reconstruction are better when lower, `elbo`, `log_...` and
            `active_units` when higher, and Keras decides on others.
        baseline: a value that must be passed as well, or `None`.
        restore_best_weights: whether the weights of the best epoch are put back at the end.
        warm_up: steps to wait; those of the objective's schedules unless given.
        verbose: 1 prints the reason at the end of the training.

    Raises:
        ValueError: for arguments out of range; when training begins, where a schedule of the objective does not end and
            `warm_up` is not given; after an epoch, where there is no such number.

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

    def __init__(
        self,
        monitor="val_loss",
        patience=5,
        *,
        min_delta=0.0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        warm_up=None,
        verbose=0,
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

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        if self.verbose:
            print(self.reason)

    @property
    def reason(self):
        """Why the training stopped, or why not: a sentence."""
        if self.last_epoch is None:
            return "Not stopped: no epoch has ended."
        verb = "Stopped" if self.stopped_epoch else "Not stopped"
        end = "" if self.best_weights is None else f" The weights of epoch {self.best_epoch + 1} are kept for the end."
        return f"{verb} after epoch {self.last_epoch + 1} (step {self.last_step}): {self._finding()}.{end}"

    def get_state(self):
        weights = {f"best_weights_{i}": values for i, values in enumerate(self.best_weights or [])}
        return {**{name: getattr(self, name) for name in _STATE}, **weights}

    def set_state(self, state):
        for name in _STATE:
            setattr(self, name, state[name])
        num = sum(name.startswith("best_weights_") for name in state)
        self.best_weights = [state[f"best_weights_{i}"] for i in range(num)] or None
        if self.stopped_epoch:
            self.model.stop_training = True

    def get_config(self):
        names = ("monitor", "patience", "mode", "baseline", "restore_best_weights", "warm_up", "verbose")
        # Keras turns the sign of `min_delta` when it begins to compare.
        return {**{name: getattr(self, name) for name in names}, "min_delta": abs(self.min_delta)}

    def _finding(self):
        if self.last_value is None:
            if self.without_value:
                return f"there was no {self.monitor}"
            return f"no epoch lies behind the warm-up of {self.wait_until} steps yet"
        epoch, num = self.last_epoch + 1, f"{self.wait} epoch{'s' * (self.wait != 1)} (patience {self.patience})"
        if self.wait == 0:
            return f"{self.monitor} is at its best in epoch {epoch}, {self.last_value:.6g}"
        margin = f" by more than {abs(self.min_delta):g}" if self.min_delta else ""
        goal = f" on the baseline {self.baseline:g}" if self.baseline is not None else ""
        numbers = f"best {self.best:.6g} in epoch {self.best_epoch + 1}, {self.last_value:.6g} in epoch {epoch}"
        return f"{self.monitor} has not improved{margin}{goal} for {num}: {numbers}"
