"""The short names of models and parts, parsed from the sources, for completion and typos.

Tables such as `keras_ae.models.MODELS` are literal dictionaries: importing takes seconds, parsing milliseconds.
"""

import ast
import pathlib

import typer

from keras_ae.registry import did_you_mean

_PACKAGE = pathlib.Path(__file__).parents[1]
# The parts that have an option: the file and the name of the table, as in `keras_ae.run.assembly.PARTS`.
_PART_TABLES = {
    "encoder": ("networks", "ENCODERS"),
    "prior": ("latents.priors", "PRIORS"),
    "likelihood": ("likelihoods", "LIKELIHOODS"),
}


def model_names() -> list[str]:
    """Returns the short names of the models, in the order of their table; none without the sources."""
    return _table("models", "MODELS")


def check_model_name(name: str) -> None:
    """Raises a `typer.BadParameter` for an unknown model, before any slow import."""
    known = model_names()
    if known and name not in known:
        text = f"{name} is not a model.{did_you_mean(name, known)} `keras-ae models` lists the models."
        raise typer.BadParameter(text, param_hint="MODEL")


def part_names(argument: str) -> list[str]:
    """Returns the short names of the parts for an option."""
    return _table(*_PART_TABLES[argument])


def _table(module: str, name: str) -> list[str]:
    """Returns the keys of a top-level literal dictionary in a module; none without the sources."""
    path = _PACKAGE.joinpath(*module.split("."), "__init__.py")
    try:
        nodes = ast.parse(path.read_text(encoding="utf-8")).body
    except OSError:
        return []
    for node in nodes:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            return [key.value for key in node.value.keys]
    return []
