"""Training into a run folder: what was trained is kept, whatever ends the training."""

import time

import keras

from keras_ae.callbacks import BackupAndRestore
from keras_ae.training.progress import ProgressBar

_SECONDS_BETWEEN_COPIES = 30.0
_EVALUATION_BATCH = 512
_PROTOCOL = (
    "Means over all examples of each part, in nats an example, by `model.evaluate` of the finished model in batches of "
    f"{_EVALUATION_BATCH}, with noise from the model's seed. Nothing was trained on examples for validation."
)


def record(run, model, training, validation=None, *, epochs, batch_size, label, console=None, backup=None):
    """Trains a compiled model and writes it, its history and its results into a run.

    Args:
        run: a `Run`.
        model: a compiled `Autoencoder`.
        training: `Examples` to learn from.
        validation: `Examples` to watch, or `None`.
        epochs: how many times through the training examples.
        batch_size: examples a step.
        label: what to call the training in its progress.
        console: a `rich.console.Console`.
        backup: folder for what an interrupted training goes on from, or `None`.

    Returns:
        (history, metrics): the numbers of each epoch, and a dictionary with the results on both sets, seconds,
        examples a second, numbers of examples and the protocol.

    Raises:
        FloatingPointError: when the loss is no longer finite.
    """
    keeper, progress = _Keeper(run), ProgressBar(label, console)
    callbacks = [keeper, progress]
    if backup is not None:  # it is needed until the run is complete, not only until `fit` is
        callbacks.append(BackupAndRestore(backup, delete_at_end=False))
    try:
        model.fit(
            training.x,
            training.condition,
            batch_size=batch_size,
            epochs=epochs,
            validation_data=None if validation is None else (validation.x, validation.condition),
            callbacks=callbacks,
            verbose=0,
        )
    finally:
        progress.close()
        keeper.keep()
    seconds = keeper.seconds
    metrics, examples = {"training": evaluate(model, training)}, {"training": len(training)}
    if validation is not None:
        metrics["validation"], examples["validation"] = evaluate(model, validation), len(validation)
    metrics |= {"examples": examples, "protocol": _PROTOCOL}
    metrics |= {"seconds": round(seconds, 2), "examples_per_second": round(len(training) * epochs / seconds)}
    run.write_metrics(metrics)
    return keeper.history, metrics


def adam(learning_rate, num_examples, epochs, batch_size):
    """Adam with a learning rate that falls from the given one to 0 along half a cosine, over the whole training.

    References:
        Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts.
    """
    steps = epochs * -(-num_examples // batch_size)
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))


def evaluate(model, examples):
    """The mean loss and its terms, in nats an example: a dictionary."""
    return model.evaluate(examples.x, examples.condition, batch_size=_EVALUATION_BATCH, verbose=0, return_dict=True)


class _Keeper(keras.callbacks.Callback):
    """Keeps the history, the seconds, and a copy of the model every half minute and when the training ends."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.history = {}
        self.seconds = 0.0
        self.fresh = False  # whether the model has learned something that no copy has

    def on_train_begin(self, logs=None):
        self.since = self.copied = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        now = time.perf_counter()
        self.seconds, self.since = self.seconds + now - self.since, now
        self.fresh = True
        if now - self.copied > _SECONDS_BETWEEN_COPIES:
            self.keep()

    def on_halt(self):
        self.fresh = True  # the last good weights are in the midst of an epoch

    def keep(self):
        if self.fresh:
            self.run.write_model(self.model)
            self.run.write_history(self.history)
            self.copied, self.fresh = time.perf_counter(), False

    def get_state(self):
        return {"history": self.history, "seconds": self.seconds}

    def set_state(self, state):
        self.history, self.seconds, self.fresh = state["history"], state["seconds"], True
