"""Writes the public names of keras_ae and their signatures into docs/api.txt, and the short names of parts into the
table of docs/compose.md:

python docs/write_api.py
"""

import importlib
import inspect
import pathlib
import re

import keras

import keras_ae

LISTING = pathlib.Path(__file__).parent / "api.txt"
COMPOSE = LISTING.with_name("compose.md")
# Subpackages whose names are public too.
ROOMS = [name for name in keras_ae.__all__ if inspect.ismodule(getattr(keras_ae, name))]


def listing():
    """The text of docs/api.txt: a line a name, sorted, with the methods of a class of keras_ae behind it."""
    lines = [f"keras_ae.{line}" for name in keras_ae.__all__ if name not in ROOMS for line in described(name, keras_ae)]
    for room in ROOMS:
        lines += lines_of(importlib.import_module(f"keras_ae.{room}"))
    return "\n".join(lines) + "\n"


def lines_of(module):
    """The lines of a room, then of the rooms within it that are in its `__all__`."""
    names = sorted(public(module))
    inner = [name for name in names if inspect.ismodule(getattr(module, name)) and hasattr(module, "__all__")]
    names = [name for name in names if not inspect.ismodule(getattr(module, name))]
    lines = [f"{module.__name__}.{line}" for name in names for line in described(name, module)]
    return lines + [line for name in inner for line in lines_of(getattr(module, name))]


def public(module):
    """The names of a room: `__all__`, or what is made in it and has no underscore."""
    made = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return getattr(module, "__all__", [name for name in made if not name.startswith("_")])


def described(name, module):
    """The lines of a name: its signature, and the public methods of a class that its bases do not have already."""
    value = getattr(module, name)
    if not callable(value):
        yield f"{name}: {type(value).__name__}"
        return
    yield name + signature(value)
    if inspect.isclass(value):
        for method, function in sorted(vars(value).items()):
            if not method.startswith("_") and method not in _OF_KERAS:
                if isinstance(function, property):
                    yield f"{name}.{method}: property"
                elif isinstance(function, (classmethod, staticmethod)) or inspect.isfunction(function):
                    yield f"{name}.{method}{signature(getattr(value, method))}"


# Methods that every Keras layer has: they are called by Keras.
_OF_KERAS = {"build", "call", "compute_output_shape", "compute_output_spec", "from_config", "get_config"}
_OF_KERAS |= {name for name in dir(keras.layers.Layer) if name.startswith(("build_", "get_build", "save_", "load_"))}


def signature(value):
    """The signature as text, which no version of Python or place of an object in memory changes."""
    try:
        text = str(inspect.signature(value))
    except ValueError:  # of a class that C has made
        return "(...)"
    text = re.sub(r"<(\w+\.)*(\w+) object at [^>]*>", r"\2(...)", text.replace("typing.", ""))
    text = re.sub(r"<(?:function|class) '?([\w.]+)'?[^>]*>", r"\1", text)
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z]\w*)", "", text)  # types without their modules
    return text.replace("'", '"')


def with_short_names(text):
    """The text of docs/compose.md with the short names that parts have now."""
    tables = {
        "posterior": keras_ae.latents.POSTERIORS,
        "prior": keras_ae.latents.PRIORS,
        "sampler": keras_ae.latents.SAMPLERS,
        "likelihood": keras_ae.likelihoods.LIKELIHOODS,
        "objective": keras_ae.objectives.OBJECTIVES,
    }
    for part, table in tables.items():
        text = re.sub(
            rf"^\| `{part}` \| .* \|$", f"| `{part}` | {', '.join(sorted(table))} |", text, flags=re.MULTILINE
        )
    return text


if __name__ == "__main__":
    COMPOSE.write_text(with_short_names(COMPOSE.read_text(encoding="utf-8")), encoding="utf-8")
    LISTING.write_text(listing(), encoding="utf-8")
    print(f"{LISTING}: {len(listing().splitlines())} lines")
