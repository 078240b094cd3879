"""The config of a run (config.json), and its description in a card."""

import pathlib
import shlex
from typing import Any

DETECTOR = "outlier_detector"  # in place of the name of a model
OPTIMIZERS = ("adam", "muon", "auto")  # "auto": see `recording.complete`
_NUMBER = (int, float)
_RECIPE = {
    "model": {"name": str},
    "data": {"name": str, "split": str, "validation_fraction": _NUMBER, "condition": list},
    "training": {"epochs": int, "batch_size": int, "learning_rate": _NUMBER, "seed": int},
}
_KINDS = {str: "a string", int: "an integer", _NUMBER: "a number", list: "a list of strings"}
# Only some recipes have these: pixels that are drawn from gray levels in each epoch, labels of a few examples, and
# copies of the examples with these labels. In "training", they may have an "optimizer", the fraction of the steps in
# which its learning rate decays, "decay", and the run whose weights are the initial ones, "start_from".
_OPTIONAL = {"binarize": ("fresh",), "known_labels": int, "known_copies": int}


def check_recipe(config: dict[str, Any], path: pathlib.Path) -> dict[str, Any]:
    """Validates an untrusted config for training, or raises a `ValueError` that names the file."""
    for section, kinds in _RECIPE.items():
        values = config.get(section)
        if not isinstance(values, dict):
            raise ValueError(f"{path} must have a dictionary `{section}`. Received: {values!r}")
        for name, kind in kinds.items():
            if name in ("batch_size", "learning_rate") and name not in values:
                continue  # `complete` chooses it when the data are known
            _check_value(path, f"{section}.{name}", values.get(name), kind)
    for name in _OPTIONAL.keys() & config["data"].keys():
        kind, value = _OPTIONAL[name], config["data"][name]
        if isinstance(kind, tuple) and value not in kind:
            raise ValueError(f"{path} must have one of {', '.join(kind)} as `data.{name}`. Received: {value!r}")
        if not isinstance(kind, tuple):
            _check_value(path, f"data.{name}", value, kind)
    chosen, decay = config["training"].get("optimizer", "adam"), config["training"].get("decay", 1.0)
    if chosen not in OPTIMIZERS:
        names = ", ".join(OPTIMIZERS)
        raise ValueError(f"{path} must have one of {names} as `training.optimizer`. Received: {chosen!r}")
    _check_value(path, "training.decay", decay, _NUMBER)
    if "start_from" in config["training"]:
        _check_value(path, "training.start_from", config["training"]["start_from"], str)
    if not 0 < decay <= 1:
        raise ValueError(f"{path} must have a number in (0, 1] as `training.decay`. Received: {decay}")
    return config


def _check_value(path, place, value, kind):
    fits = isinstance(value, kind) and not isinstance(value, bool)
    if fits and kind is list:
        fits = all(isinstance(entry, str) for entry in value)
    if not fits:
        raise ValueError(f"{path} must have {_KINDS[kind]} as `{place}`. Received: {value!r}")


def details(config: dict[str, Any], metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the description of a run for a card: the dictionaries "data", "training" and "metrics".

    Args:
        config: a validated config, with the command if known.
        metrics: the metrics of `record`, with their protocol; empty if there are none.
    """
    data, command = dict(config["data"]), config.get("command")
    results = {name: value for name, value in metrics.items() if name != "examples"}
    return {
        "data": {"dataset": data.pop("name"), **data, "examples": metrics.get("examples", "unknown")},
        "training": {
            "command": shlex.join(map(str, command)) if isinstance(command, list) else "unknown",
            **config["training"],
            "model": config["model"],
        },
        "metrics": results,
    }
