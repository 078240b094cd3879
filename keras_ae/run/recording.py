"""Training into a run folder, which keeps the results even if training is interrupted."""

import math
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from rich.console import Console

from keras_ae.autoencoder import Autoencoder
from keras_ae.callbacks import BackupAndRestore
from keras_ae.objectives.adversarial_objective import AdversarialObjective
from keras_ae.run.examples import Examples
from keras_ae.run.run import Run
from keras_ae.training.progress import ProgressBar

_SECONDS_BETWEEN_COPIES = 30.0
_EVALUATION_BATCH = 512
_OPTIMIZERS = {"adam": keras.optimizers.Adam, "muon": keras.optimizers.Muon}
_PROTOCOL = (
    "Means over all examples of each split, in nats per example, by `model.evaluate` of the finished model in batches "
    f"of {_EVALUATION_BATCH}, with noise from the model's seed. The model was not trained on validation examples."
)


def record(
    run: Run,
    model: Autoencoder,
    training: Examples,
    validation: Examples | None = None,
    *,
    epochs: int,
    batch_size: int,
    label: str,
    console: Console | None = None,
    backup: pathlib.Path | None = None,
    source: tf.data.Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Trains a compiled model and writes it, its history and its results into a run.

    Args:
        run: the run to fill.
        model: a compiled model.
        training: the training examples.
        validation: the validation examples, or `None`.
        epochs: number of epochs.
        batch_size: examples per step.
        label: name of the training in the progress bar.
        console: the console for the progress bar.
        backup: folder for backups to resume from, or `None`.
        source: batches of the training examples, if their pixels are drawn again in each epoch.
        callbacks: other callbacks of `fit`.

    Returns:
        (history, metrics): the numbers of each epoch, and a dictionary with the results on both splits, seconds,
        examples per second, numbers of examples and the protocol.

    Raises:
        FloatingPointError: if the loss becomes NaN or infinite.
    """
    keeper, progress = _Keeper(run), ProgressBar(label, console)
    callbacks = [keeper, progress, *callbacks]
    if backup is not None:  # needed until the run is complete, not just until `fit` returns
        callbacks.append(BackupAndRestore(backup, delete_at_end=False))
    try:
        model.fit(
            *((training.x, training.condition, batch_size) if source is None else (source,)),
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


LEARNING_RATES = {"adam": 3e-3, "muon": 0.02}
_LARGE, _WIDE, _LARGE_BATCH = 30_000, 400, 512


def complete(training: dict[str, Any], model: Autoencoder, num_examples: int) -> None:
    """Completes the settings of a training: the optimizer if it is "auto", the batch size and the learning rate.

    Muon reaches lower losses in the same number of epochs: see docs/zoo.md. A step of it multiplies each matrix with
    its transpose about ten times, which takes several times as long as the gradient where layers are wide.

        optimizer        muon, or adam for a model with a discriminator (AdversarialAE reconstructs worse with Muon) or
                         with a matrix of more than 400 rows and columns
        batch_size       512 for muon and 30,000 examples or more, otherwise 128; also 128 if a warm-up of the objective
                         would take more than half of the steps of 512 examples
        learning_rate    0.02 for muon, 0.003 for adam

    Args:
        training: the settings, with `epochs`, which are changed.
        model: a built model.
        num_examples: number of training examples.
    """
    if training.get("optimizer") == "auto":
        kernels = [weight.shape for weight in model.trainable_weights if len(weight.shape) > 1]
        wide = any(min(math.prod(shape[:-1]), shape[-1]) > _WIDE for shape in kernels)
        adversarial = isinstance(model.objective, AdversarialObjective)
        training["optimizer"] = "adam" if wide or adversarial else "muon"
    chosen = training.get("optimizer", "adam")
    steps = training["epochs"] * -(-num_examples // _LARGE_BATCH)
    large = chosen == "muon" and num_examples >= _LARGE and steps >= 2 * _warm_up(model)
    training.setdefault("batch_size", _LARGE_BATCH if large else 128)
    training.setdefault("learning_rate", LEARNING_RATES[chosen])


def _warm_up(model):
    """The steps until the schedules of the objective are constant; 0 if they have no end."""
    return 0 if model.objective is None else model.objective.warm_up or 0


def optimizer(
    learning_rate: float,
    num_examples: int,
    epochs: int,
    batch_size: int,
    *,
    name: str = "adam",
    decay: float = 1.0,
) -> keras.optimizers.Optimizer:
    """Returns an optimizer with cosine decay of the learning rate to 0, over the whole training or its last part.

    Args:
        learning_rate: the initial rate.
        num_examples, epochs, batch_size: of the training.
        name: `"adam"`, or `"muon"`, whose updates of matrices have equal singular values: a step takes longer, and
            fewer epochs are needed. It suits large batches.
        decay: fraction of the steps, the last ones, in which the rate decays. Before, it is constant, so a training
            may be made longer as long as it has not begun to decay.

    References:
        Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts; Haegele et al. 2024,
        arXiv:2405.18392, for a decay at the end; Liu et al. 2025, arXiv:2502.16982, for Muon.
    """
    steps = epochs * -(-num_examples // batch_size)
    constant = round((1.0 - decay) * steps)
    late = {"warmup_target": learning_rate, "warmup_steps": constant} if constant else {}
    return _OPTIMIZERS[name](keras.optimizers.schedules.CosineDecay(learning_rate, steps - constant, **late))


def evaluate(model: Autoencoder, examples: Examples) -> dict[str, float]:
    """Returns the mean loss and its terms in nats per example."""
    return model.evaluate(examples.x, examples.condition, batch_size=_EVALUATION_BATCH, verbose=0, return_dict=True)


class _Keeper(keras.callbacks.Callback):
    """Records the history and the time, and saves the model every half minute and at the end of training."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.history = {}
        self.seconds = 0.0
        self.fresh = False  # whether the model has changed since the last save

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
        self.fresh = True  # the last good weights are from the middle of an epoch

    def keep(self):
        if self.fresh:
            self.run.write_model(self.model)
            self.run.write_history(self.history)
            self.copied, self.fresh = time.perf_counter(), False

    def get_state(self):
        return {"history": self.history, "seconds": self.seconds}

    def set_state(self, state):
        self.history, self.seconds, self.fresh = state["history"], state["seconds"], True
