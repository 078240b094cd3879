import os
import pathlib

import keras

from keras_ae.callbacks.backups import Backups
from keras_ae.callbacks.callback import Callback, is_chief
from keras_ae.callbacks.states import numbered, state_of, with_state
from keras_ae.keras_internals import set_initial_epoch
from keras_ae.training.callback_order import RunsLast
from keras_ae.validation.arguments import MAX_COUNT, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class BackupAndRestore(RunsLast, Callback):
    """Saves backups during training, and resumes exactly from the latest one when training restarts.

    A training run that was killed and restarted with the same data and arguments ends with bitwise the same weights as
    an uninterrupted one. A backup holds all variables of the model and its optimizer, the history, and the state of the
    other callbacks, if they are Keras callbacks or have `get_state` and `set_state`, as the callbacks of keras_ae do.
    Backups are written atomically. The previous backup is kept; if the newest is damaged, it is renamed to `.damaged`
    and the previous one is used, with a warning. The position in a generator, or in a `tf.data.Dataset` with
    `steps_per_epoch`, is not saved. With several workers, the chief writes and all workers read, so they need a shared
    folder. Two trainings must not use one folder at once; `keras-ae train` locks its runs.

    If a loss that is not finite ends the training, the model with the last good weights is saved in the folder as
    `stopped.keras`.

    Args:
        directory: folder of the backups; it is created.
        every: number of epochs between backups.
        delete_at_end: whether to remove the backups when training has ended.

    Raises:
        ValueError: when training starts, if the backup belongs to another model.

    Example:
        >>> import tempfile, numpy as np
        >>> from keras_ae.models import AE
        >>> x, folder = np.random.default_rng(0).random([64, 4]), tempfile.mkdtemp()
        >>> def train(epochs):
        ...     keras.utils.set_random_seed(0)
        ...     model = AE(latent_dim=2)
        ...     model.compile()
        ...     backup = BackupAndRestore(folder, delete_at_end=False)
        ...     return model.fit(x, epochs=epochs, verbose=0, callbacks=[backup]).epoch
        >>> train(2), train(3)
        ([0, 1], [0, 1, 2])
    """

    def __init__(self, directory: str | os.PathLike, *, every: int = 1, delete_at_end: bool = True):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.every = check_size("every", every, high=MAX_COUNT)
        self.delete_at_end = bool(delete_at_end)
        self.backups = Backups(self.directory)

    def on_train_begin(self, logs: dict | None = None) -> None:
        backup = self.backups.newest()
        epoch = 0 if backup is None else backup.epoch
        self._check_agreement(epoch)
        if is_chief(self.model):
            self.backups.set_aside(epoch)
        if backup is None:
            return
        backup.restore(self._variables())
        for name, other in numbered(self.others):
            if name in backup.states:
                with_state(other, backup.states[name])
        # Keras' mechanism to start late. If a callback had stopped the training, nothing is left to do.
        set_initial_epoch(self.model, self.params["epochs"] if self.model.stop_training else epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if is_chief(self.model) and ((epoch + 1) % self.every == 0 or last):
            states = {name: state_of(other) for name, other in numbered(self.others)}
            self.backups.write(epoch + 1, self._variables(), states)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.delete_at_end and is_chief(self.model):
            self.backups.delete()

    def on_halt(self) -> None:
        """Called by `fit` if a loss that is not finite ends the training."""
        if is_chief(self.model):
            self.backups.keep_model(self.model)

    def get_config(self):
        return {"directory": str(self.directory), "every": self.every, "delete_at_end": self.delete_at_end}

    def _variables(self):
        """Returns all variables that a step changes, in the order of their creation."""
        variables = (*self.model.variables, *self.model.optimizer_variables)
        return list({id(variable): variable for variable in variables}.values())

    def _check_agreement(self, epoch):
        """Raises an error if workers would start from different epochs and deadlock."""
        strategy = self.model.distribute_strategy
        if strategy.num_replicas_in_sync == 1:
            return
        total = strategy.reduce("SUM", strategy.run(lambda: keras.ops.convert_to_tensor(float(epoch))), axis=None)
        if float(total) != epoch * strategy.num_replicas_in_sync:
            raise ValueError(
                f"`directory` must be a folder that all workers share. Received: {self.directory}, in which this "
                f"worker finds a backup of epoch {epoch}, and others a different one"
            )
