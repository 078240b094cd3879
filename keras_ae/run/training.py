"""Trains a model from the config of a run."""

import os
import pathlib
from typing import Any

import keras

from keras_ae import explore
from keras_ae.autoencoder import Autoencoder
from keras_ae.callbacks import Snapshots
from keras_ae.datasets import batches
from keras_ae.devices import strategy
from keras_ae.parts import variables_by_path
from keras_ae.run.assembly import assemble, find_model
from keras_ae.run.detector_training import fit_detector, is_detector
from keras_ae.run.examples import Examples, load_examples
from keras_ae.run.recording import complete, optimizer, record
from keras_ae.run.run import Run

_SHOWN, _STEPS = 10, (0, 10, 100, 1_000, 10_000)  # examples and steps of snapshots; the last step has one, too


def trained_run(path: str | os.PathLike, config: dict[str, dict], *, download: bool = False) -> Run:
    """Returns the run of a config in a folder; trains it if it is missing, and continues it if it was interrupted.

    Args:
        path: the folder.
        config: as in `train_from_config`.
        download: whether TFDS may download the data.

    Raises:
        FileExistsError: if the folder holds a run of another config.
    """
    path = pathlib.Path(path)
    if path.exists():
        run = Run.open(path)
        if any(run.recipe[name] != _completed(config, run.recipe)[name] for name in config):
            raise FileExistsError(f"{path} has another recipe: move it away.")
        return run
    partial = path.with_name(f"{path.name}.partial")
    begun = (partial / "config.json").is_file()
    with Run.resume(path) if begun else Run.create(path, config, overwrite=True) as run:
        train_from_config(run, config, backup=partial / "backup", download=download)
    return Run.open(path)


def _completed(config, known):
    """Returns a config with what `train_from_config` fills in: names of properties, and settings of the training."""
    data, training, found = config["data"], config["training"], known["training"]
    chosen = {name: found[name] for name in ("batch_size", "learning_rate") if name in found}
    if training.get("optimizer") == "auto":
        training = {**training, "optimizer": found["optimizer"]}
    condition = data["condition"] or known["data"]["condition"]
    return {**config, "data": {**data, "condition": condition}, "training": {**chosen, **training}}


def train_from_config(
    run: Run, config: dict[str, dict], *, backup: pathlib.Path, download: bool = False
) -> dict[str, Any]:
    """Trains a model, or fits an outlier detector, from a config into a run.

    Args:
        run: the run to fill.
        config: {"model", "data", "training"} as `keras-ae train` writes it.
        backup: folder of backups to resume from.
        download: whether TFDS may download the data.

    Returns:
        The metrics of `record`, or of `fit_detector`.

    Raises:
        ValueError: for invalid names or values, and a run to start from whose model has other weights.
    """
    data, training = config["data"], config["training"]
    if is_detector(config):
        return fit_detector(run, config, download=download)
    devices = strategy(training.get("devices", 1))  # before any other use of TensorFlow
    settings = dict(config["model"])
    name = settings.pop("name")
    keras.utils.set_random_seed(training["seed"])  # for the initial weights
    examples, condition, label_name = load_examples(find_model(name), data, download=download, gray=True)
    learn, watch = examples.split(data["validation_fraction"], training["seed"])
    if "known_labels" in data:
        learn = learn.with_labels_of(data["known_labels"], training["seed"])
    if "known_copies" in data:
        learn = learn.with_known_copies(data["known_copies"])
    with devices.scope():
        model = assemble(name, settings, condition=condition, seed=training["seed"])
        build(model, learn)
        if "start_from" in training:
            start_from(model, training["start_from"])
    complete(training, model, len(learn))
    sizes = {"epochs": training["epochs"], "batch_size": training["batch_size"]}
    chosen = {"name": training.get("optimizer", "adam"), "decay": training.get("decay", 1.0)}
    together = {name: training[name] for name in ("local_steps", "gradient_compression") if name in training}
    model.compile(optimizer(training["learning_rate"], len(learn), **sizes, **chosen), **together)
    run.write_config(config)  # now with the names of the properties
    source = None
    if data.get("binarize") == "fresh":
        source = batches(learn.x, learn.condition, training["batch_size"], training["seed"], binarize="fresh")
        learn, watch = learn.binarized(), watch and watch.binarized()
    shown = (watch and watch.known(model.condition)) or learn.known(model.condition)
    callbacks = []
    if training.get("snapshots"):
        few = shown.rows(slice(_SHOWN))
        last = training["epochs"] * -(-len(learn) // training["batch_size"])
        steps = [*(step for step in _STEPS if step < last), last]
        callbacks = [Snapshots(run.snapshots, few.x, condition=few.condition, steps=steps, seed=training["seed"])]
    options = {"backup": backup, "source": source, "callbacks": callbacks}
    history, metrics = record(run, model, learn, watch, **sizes, label=name, **options)
    if model.sampler_layer is not None:  # `sample` uses it from now on
        known = learn.known(model.condition)
        model.fit_sampler(model.sampler_layer, known.x, known.condition, seed=training["seed"])
        run.write_model(model)
    names = {"label_name": label_name, "condition_name": ", ".join(data["condition"]) or "condition"}
    run.write_figures(explore.gallery(model, history, shown.x, shown.labels, shown.condition, quick=True, **names))
    return metrics


def build(model: Autoencoder, examples: Examples) -> None:
    """Builds a model for examples."""
    if model.condition is not None and model.condition.needs_adapting:
        model.condition.adapt(examples.condition)
    model.build((None, *examples.x.shape[1:]))


def start_from(model: Autoencoder, path: str) -> None:
    """Assigns the weights of the model of a run, which may have another objective.

    Args:
        model: a built model.
        path: the folder of the run, or "preset:NAME".

    Raises:
        ValueError: if a weight is missing in the run, or has another shape.
    """
    source = variables_by_path(Run.open(path).model())
    for place, variable in variables_by_path(model).items():
        found = tuple(source[place].shape) if place in source else None
        if found != tuple(variable.shape):
            raise ValueError(
                f"`start_from` must be a run of a model with the same networks, posterior and prior. Received: {path}, "
                f"where {place} is {'missing' if found is None else list(found)}, not {list(variable.shape)}"
            )
        variable.assign(source[place])
