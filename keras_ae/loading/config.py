"""The config of a model, which says what objects to make, looked at before any is made."""

import json

# What Keras makes objects of, by its public names. `keras.src` is where its layers that have no such name are.
_MODULES = ("activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "models",
            "ops", "optimizers", "optimizers.schedules", "quantizers", "random", "regularizers")  # fmt: skip
_ALLOWED = {"keras", *(f"keras.{name}" for name in _MODULES)}
# What runs code that a file brings along, or reads other files.
_REFUSED = {"__lambda__", "__typespec__", "FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"}
_MOST_VALUES, _DEEPEST = 50_000, 100


def read_config(text):
    """The config in the JSON of a `.keras` file.

    Raises:
        ValueError: where it is no dictionary, names what could run code, or is so large or deep that it can only have
            been made to cause harm.
    """
    config = json.loads(text)
    if not isinstance(config, dict):
        raise ValueError(f"its config must be a dictionary. Received: {type(config).__name__}")
    pending, seen = [(config, 0)], 0
    while pending:
        value, depth = pending.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            raise ValueError(f"its config must have {_MOST_VALUES} values, {_DEEPEST} in each other, at most.")
        if isinstance(value, dict):
            _check_object(value)
        if isinstance(value, (dict, list)):
            pending += [(entry, depth + 1) for entry in (value.values() if isinstance(value, dict) else value)]
    return config


def _check_object(value):
    """Raises a `ValueError` where a dictionary asks for an object that no model is made of."""
    names = [value.get(key) for key in ("class_name", "registered_name", "spec_name")]
    refused = next((name for name in names if isinstance(name, str) and name.rpartition(">")[2] in _REFUSED), None)
    if refused is not None:
        raise ValueError(f"its config must not name {refused}, which can run code.")
    module = value.get("module")
    of_keras = isinstance(module, str) and module.partition(".")[0] == "keras"
    if "class_name" in value and of_keras and module not in _ALLOWED and not module.startswith("keras.src."):
        raise ValueError(f"its config must not take objects from {module}.")
