import io
import os
import pathlib
import re
import warnings
import zipfile

import keras
import numpy as np

import keras_ae.models  # noqa: F401  (Keras finds the classes of the zoo by their registered names)
from keras_ae.autoencoder import Autoencoder
from keras_ae.io.archives import check_archive
from keras_ae.loading.model_config import read_config
from keras_ae.loading.weights import allowance, stored_weights

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MAX_LENGTH = 500
# Warnings of Keras that some weights of the file were not loaded.
_INCOMPLETE = ("Skipping nested container", "Skipping variable loading")


def load(path: str | os.PathLike, *, custom_objects: dict | None = None, compile: bool = True) -> Autoencoder:
    """Loads a model that `model.save(path)` wrote, with its weights and the state of its optimizer.

    Untrusted files are safe: the file is validated before Keras reads it. Nothing is unpickled. Files with
    a `Lambda` or other classes that run code, with names that lead out of the file's folder, or with models that need
    more memory than the weights in the file are refused.

    Training continues exactly, except for the noise of Keras' layers, such as `Dropout` in a custom network: Keras does
    not restore the state of its random number generators.

    Args:
        path: a `.keras` file.
        custom_objects: {name: class or function} of custom objects that are not registered with
            `@keras.saving.register_keras_serializable()`.
        compile: whether to compile the model as when it was saved, with the state of its optimizer.

    Returns:
        The model, an instance of `Autoencoder`.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for a damaged file, a file of another kind, weights that are not finite, or classes that are neither
            registered nor in `custom_objects`.
    """
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fspath(path):
        raise ValueError(f"`path` must be the path of a .keras file. Received: path={path!r}")
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no model file {path}: write one with `model.save(...)`.")
    if path.suffix != ".keras":
        raise ValueError(f"`path` must end in .keras. Received: {path}")
    custom_objects = dict(custom_objects or {})
    try:
        config, number, size = _inspect(path)
        _check_class(path, config, custom_objects)
        with allowance(number, size), warnings.catch_warnings():
            for message in _INCOMPLETE:
                warnings.filterwarnings("error", message)
            model = keras.saving.load_model(path, custom_objects, compile=compile, safe_mode=True)
        _check_numbers(model)
        return model
    except _OtherModelError:
        raise
    except Exception as error:  # the class depends on the damage
        unknown = re.search(r"Could not locate (class|function) '(\w+)'", str(error))
        if unknown is not None:
            raise ValueError(_unregistered(path, config, *unknown.groups())) from error
        raise ValueError(f"{path} could not be read as a .keras model: {_reason(error)}") from error


def _reason(error):
    """Returns an error as one line; the reason is at the end of Keras' messages, after the config."""
    text = " ".join(str(error).split()).rpartition("Exception encountered: ")[2]
    return text[:_MAX_LENGTH] or type(error).__name__


def _check_numbers(model):
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight)
        if not np.isfinite(values).all():
            found = "NaN" if np.isnan(values).any() else "infinity"
            raise ValueError(f"its weights must be finite. Received: {found} in {weight.path}")


class _OtherModelError(ValueError):
    """The file is valid, but contains something else."""


def _inspect(path):
    """Validates a file, and returns its config, the number of its weights and their bytes."""
    names = check_archive(path)
    with zipfile.ZipFile(path) as archive:
        foreign = [name for name in names if "/" not in name and name not in (_CONFIG, "metadata.json", _WEIGHTS)]
        if foreign:
            raise ValueError(f"it must contain only a model. Received: {foreign[0]}")
        config = read_config(archive.read(_CONFIG))
        return config, *stored_weights(io.BytesIO(archive.read(_WEIGHTS)))


def _check_class(path, config, custom_objects):
    cls = keras.saving.get_registered_object(config.get("registered_name"), custom_objects)
    of_keras = str(config.get("module")).partition(".")[0] == "keras"
    if cls is None and isinstance(config.get("class_name"), str) and not of_keras:
        raise _OtherModelError(_unregistered(path, config, "class", config["class_name"]))
    if not (isinstance(cls, type) and issubclass(cls, Autoencoder)):
        raise _OtherModelError(f"{path} must hold a keras_ae model. Received: {config.get('class_name')}")


def _unregistered(path, config, kind, name):
    """Returns the error message for a class or function that is not registered."""
    registered = next((each for each in _registered_names(config) if each.rpartition(">")[2] == name), name)
    return (
        f"{path} needs the {kind} {name}, which is not registered: decorate it with "
        f"@keras.saving.register_keras_serializable() and import it, or load with custom_objects={{{registered!r}: "
        f"{name}}}."
    )


def _registered_names(value):
    if isinstance(value, dict):
        if isinstance(value.get("registered_name"), str):
            yield value["registered_name"]
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from _registered_names(entry)
