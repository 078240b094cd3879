"""Training into a run folder: what was trained is kept, whatever ends the training."""

import dataclasses
import math
import time

import keras
import numpy as np

from keras_ae import datasets
from keras_ae.conditions import Categorical, Continuous
from keras_ae.training.progress import ProgressBar

_SECONDS_BETWEEN_COPIES = 30.0


@dataclasses.dataclass(frozen=True)
class Examples:
    """Examples, their condition (`None` for none) and labels for the colours of a map (`None` for none)."""

    x: np.ndarray
    condition: object = None
    labels: np.ndarray | None = None

    def __len__(self):
        return len(self.x)

    def rows(self, index):
        """Those of the rows that an index array or slice gives."""
        return Examples(self.x[index], _rows(self.condition, index), _rows(self.labels, index))

    def without_condition(self):
        """The same examples, for a model that has no condition."""
        return dataclasses.replace(self, condition=None)

    def split(self, fraction, seed):
        """Training and validation examples, drawn from the seed; validation is `None` where the fraction is 0.

        Raises:
            ValueError: for a fraction that is not in [0, 1), or leaves one side empty.
        """
        if not 0 <= fraction < 1:
            raise ValueError(f"`validation_fraction` must be in [0, 1). Received: {fraction}")
        if fraction == 0:
            return self, None
        num = round(len(self) * fraction)
        if num in (0, len(self)):
            raise ValueError(
                f"`validation_fraction` must leave examples on both sides. Received: {fraction} of {len(self)}"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        return self.rows(np.sort(order[num:])), self.rows(np.sort(order[:num]))


def record(run, model, training, validation=None, *, epochs, batch_size, label, console=None):
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

    Returns:
        (history, metrics): the numbers of each epoch, and a dictionary with the results on both sets, seconds and
        examples a second.

    Raises:
        ValueError: when the loss is no longer finite.
    """
    keeper, progress = _Keeper(run), ProgressBar(label, console)
    started = time.perf_counter()
    try:
        model.fit(
            training.x,
            training.condition,
            batch_size=batch_size,
            epochs=epochs,
            validation_data=None if validation is None else (validation.x, validation.condition),
            callbacks=[keeper, progress],
            verbose=0,
        )
    finally:
        progress.close()
        keeper.keep()
    seconds = time.perf_counter() - started
    metrics = {"training": evaluate(model, training)}
    if validation is not None:
        metrics["validation"] = evaluate(model, validation)
    metrics |= {"seconds": round(seconds, 2), "examples_per_second": round(len(training) * epochs / seconds)}
    run.write_metrics(metrics)
    return keeper.history, metrics


def evaluate(model, examples):
    """The mean loss and its terms, in nats an example: a dictionary."""
    return model.evaluate(examples.x, examples.condition, batch_size=512, verbose=0, return_dict=True)


def label_name(dataset):
    """What the label of a data set is called: `"digit"` where the classes are the ten digits, else `"label"`."""
    return "digit" if datasets.info(dataset).class_names == tuple("0123456789") else "label"


def choose_condition(y, names=(), num_classes=None, *, label="label"):
    """What a model is told of each example.

    Args:
        y: labels [N], or a dictionary of properties.
        names: the properties to take. Without any, the label; of a dictionary, the property `digit` or `label`.
        label: what the labels are called, where y is no dictionary.
        num_classes: number of classes of the label, where it is known.

    Returns:
        (condition, values, names): a `Condition` or a dictionary of them, the values to give to `fit`, and the names.

    Raises:
        ValueError: for data without labels, or properties that they do not have.
    """
    if y is None:
        raise ValueError("A conditional model needs labels, and this data set has none.")
    properties = y if isinstance(y, dict) else {label: y}
    names = list(names) or [name for name in (label, "digit", "label") if name in properties][:1]
    unknown = [name for name in names if name not in properties]
    if unknown or not names:
        raise ValueError(f"`condition` must name some of {sorted(properties)}. Received: {', '.join(names) or 'none'}")
    parts = {name: _condition(np.asarray(properties[name]), num_classes) for name in names}
    if len(names) == 1:
        return parts[names[0]], properties[names[0]], names
    return parts, {name: properties[name] for name in names}, names


def labels_of(y, names=(), *, label="label"):
    """Labels for the colours of a map, and what they are called: (array or `None`, name)."""
    if not isinstance(y, dict):
        return y, label
    name = next((name for name in (*names, "digit", "label") if name in y and np.ndim(y[name]) == 1), None)
    return (None, "label") if name is None else (np.asarray(y[name]), name)


class _Keeper(keras.callbacks.Callback):
    """Keeps the history, and a copy of the model every half minute and when the training ends in whatever way."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.history = {}
        self.copied = time.monotonic()
        self.fresh = False  # whether the model has learned something that no copy has

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.fresh = math.isfinite((logs or {}).get("loss", 0.0))
        if not self.fresh:
            raise ValueError(f"The loss was no longer finite in epoch {epoch + 1}: choose a lower learning rate.")
        if time.monotonic() - self.copied > _SECONDS_BETWEEN_COPIES:
            self.keep()

    def keep(self):
        if self.fresh:
            self.run.write_model(self.model)
            self.run.write_history(self.history)
            self.copied, self.fresh = time.monotonic(), False


def _condition(values, num_classes):
    if values.dtype.kind in "iu":
        return Categorical(max(num_classes or 0, int(values.max()) + 1))
    return Continuous(1 if values.ndim == 1 else values.shape[1])


def _rows(values, index):
    if isinstance(values, dict):
        return {name: _rows(column, index) for name, column in values.items()}
    return None if values is None else np.asarray(values)[index]
