"""keras_ae: the autoencoder zoo for Keras 3 on TensorFlow.

Submodules load when they are first used, so that importing the package, and the help of its command line, is instant.
Where Keras is loaded already, the models are loaded too: `keras.saving.load_model` finds what their files are made of.
"""

import functools
import importlib
import sys

from keras_ae.registry import provide

__version__ = "0.1.0"

_SUBMODULES = (
    "beam", "callbacks", "conditions", "datasets", "devices", "evaluate", "explore", "export", "latents", "likelihoods",
    "models", "networks", "objectives", "outliers", "random", "schedules", "serving", "training",
)  # fmt: skip
_NAMES = {
    "Autoencoder": "autoencoder",
    "Categorical": "conditions",
    "Continuous": "conditions",
    "Hyperparameter": "hyperparameters",
    "from_preset": "released.preset_loading",
    "load": "loading",
    "presets": "released.preset_catalogue",
    "upload_preset": "released.upload",
}
# What methods of a model call: these modules import the model, which knows their functions by name only.
_WRITERS = {"saved_model": "export", "litert": "export", "onnx": "export", "save_to_preset": "released.save"}

__all__ = [*_SUBMODULES, *_NAMES]


def _load(module, name):
    return getattr(importlib.import_module(f"keras_ae.{module}"), name)


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"keras_ae.{name}")
    if name in _NAMES:
        return _load(_NAMES[name], name)
    raise AttributeError(f"module 'keras_ae' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])


for _name, _module in _WRITERS.items():
    provide(_name, functools.partial(_load, _module, _name))

if "keras" in sys.modules:  # so that `keras.saving.load_model` knows the classes that are in its files
    importlib.import_module("keras_ae.models")
