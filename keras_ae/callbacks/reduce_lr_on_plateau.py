import keras
import tensorflow as tf

from keras_ae.callbacks.after_warm_up import AfterWarmUp, check_monitor
from keras_ae.validation.arguments import MAX_COUNT, check_number, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class ReduceLROnPlateau(AfterWarmUp, keras.callbacks.ReduceLROnPlateau):
    """Reduces the learning rate when a metric no longer improves, but not before the end of the warm-up.

        learning_rate <- max(factor * learning_rate, min_lr)

    While a weight of the loss follows a schedule, losses of different epochs are not comparable, and Keras' callback
    would mistake the rise of the loss for a plateau. This callback waits, as `EarlyStopping` does. The learning rate of
    a discriminator does not change.

    Args:
        monitor: name of the metric.
        factor: factor of each reduction, in (0, 1).
        patience: number of epochs without improvement before a reduction.
        min_delta: minimum improvement, >= 0.
        mode: `"min"`, `"max"` or `"auto"`, as in `EarlyStopping`.
        cooldown: epochs to wait after each reduction.
        min_lr: lower bound of the learning rate, >= 0.
        warm_up: number of steps to wait; by default the steps of the objective's schedules.
        verbose: 1 prints each reduction.

    Raises:
        ValueError: for arguments out of range; when training starts, if a schedule of the objective has no end and
            `warm_up` is not given; after an epoch, if the metric does not exist.

    Example:
        >>> import numpy as np
        >>> from keras_ae.models import AE
        >>> model = AE(latent_dim=2)
        >>> model.compile(keras.optimizers.SGD(1e-30))  # so that nothing improves
        >>> plateau = ReduceLROnPlateau("loss", factor=0.5, patience=2)
        >>> rates = model.fit(np.ones([8, 4]), epochs=4, verbose=0, callbacks=[plateau]).history["learning_rate"]
        >>> rates[-1] < rates[0]
        True
    """

    state_names = ("wait", "cooldown_counter", "best")
    argument_names = ("factor", "cooldown", "min_lr")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        *,
        min_delta: float = 1e-4,
        mode: str = "auto",
        cooldown: int = 0,
        min_lr: float = 0.0,
        warm_up: int | None = None,
        verbose: int = 0,
    ):
        if not 0 < check_number("factor", factor) < 1:
            raise ValueError(f"`factor` must be in (0, 1). Received: factor={factor!r}")
        super().__init__(
            monitor=monitor,
            factor=float(factor),
            patience=check_size("patience", patience, high=MAX_COUNT),
            verbose=verbose,
            mode=check_monitor(monitor, mode),
            min_delta=check_number("min_delta", min_delta, low=0.0),
            cooldown=check_size("cooldown", cooldown, low=0, high=MAX_COUNT),
            min_lr=check_number("min_lr", min_lr, low=0.0),
        )
        self.wait_for(warm_up)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if "learning_rate" not in logs:  # Keras adds it after every epoch
            logs["learning_rate"] = float(tf.convert_to_tensor(self.model.optimizer.learning_rate))
