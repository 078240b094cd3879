"""Validation of the untrusted config of a model, before any object is made from it."""

import json
from typing import Any

# Modules with the classes of a model. Layers without a public name are in `keras.src`.
_MODULES = ("activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "models",
            "ops", "optimizers", "optimizers.schedules", "quantizers", "random", "regularizers")  # fmt: skip
_ALLOWED = {"keras", *(f"keras.{name}" for name in _MODULES)}
# Classes that run code from the file, or read other files.
_REFUSED = {"__lambda__", "__typespec__", "FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"}
_MAX_VALUES, _MAX_DEPTH = 50_000, 100


def read_config(text: str | bytes) -> dict[str, Any]:
    """Reads the config of a `.keras` file from JSON.

    Raises:
        ValueError: if it is not a dictionary, contains a class that can run code, or is too large or too deep.
    """
    config = json.loads(text)
    if not isinstance(config, dict):
        raise ValueError(f"its config must be a dictionary. Received: {type(config).__name__}")
    pending, seen = [(config, 0)], 0
    while pending:
        value, depth = pending.pop()
        seen += 1
        if seen > _MAX_VALUES or depth > _MAX_DEPTH:
            raise ValueError(f"its config must have at most {_MAX_VALUES} values and depth {_MAX_DEPTH}.")
        if isinstance(value, dict):
            _check_object(value)
        if isinstance(value, (dict, list)):
            pending += [(entry, depth + 1) for entry in (value.values() if isinstance(value, dict) else value)]
    return config


def _check_object(value):
    """Raises a `ValueError` if a dictionary describes an object that no model consists of."""
    names = [value.get(key) for key in ("class_name", "registered_name", "spec_name")]
    refused = next((name for name in names if isinstance(name, str) and name.rpartition(">")[2] in _REFUSED), None)
    if refused is not None:
        raise ValueError(f"its config must not contain {refused}, which can run code.")
    module = value.get("module")
    of_keras = isinstance(module, str) and module.partition(".")[0] == "keras"
    if "class_name" in value and of_keras and module not in _ALLOWED and not module.startswith("keras.src."):
        raise ValueError(f"its config must not contain objects of {module}.")
