"""The short names of models, parts and arguments, parsed from the sources, for completion and typos.

Tables such as `keras_ae.models.MODELS` are literal dictionaries: importing takes seconds, parsing milliseconds.
"""

import ast
import functools
import pathlib

import typer

from keras_ae.registry import did_you_mean

_PACKAGE = pathlib.Path(__file__).parents[1]
# Argument: the file and the name of its table, as in `keras_ae.run.assembly.PARTS`.
PART_TABLES = {
    "encoder": ("networks", "ENCODERS"),
    "decoder": ("networks", "DECODERS"),
    "classifier": ("networks", "ENCODERS"),
    "posterior": ("latents.posteriors", "POSTERIORS"),
    "base": ("latents.posteriors", "POSTERIORS"),
    "prior": ("latents.priors", "PRIORS"),
    "likelihood": ("likelihoods", "LIKELIHOODS"),
    "objective": ("objectives", "OBJECTIVES"),
    "sampler": ("latents.samplers", "SAMPLERS"),
    "flow": ("latents.samplers.flow_sampler", "FLOWS"),
    "discriminator": ("networks", "DISCRIMINATORS"),
}
_SIZED_BY_THE_MODEL = ("Posterior", "Likelihood")  # the arguments of these bases are no settings


def model_names() -> list[str]:
    """Returns the short names of the models, in the order of their table; none without the sources."""
    return list(_table("models", "MODELS"))


def check_model_name(name: str) -> None:
    """Raises a `typer.BadParameter` for an unknown model, before any slow import."""
    known = model_names()
    if known and name not in known:
        text = f"{name} is not a model.{did_you_mean(name, known)} `keras-ae models` lists the models."
        raise typer.BadParameter(text, param_hint="MODEL")


def part_names(argument: str) -> list[str]:
    """Returns the short names of the parts for an argument; none for other arguments."""
    return list(_table(*PART_TABLES[argument])) if argument in PART_TABLES else []


def model_arguments(model: str) -> dict[str, str]:
    """Returns a model's arguments for `--set`, except its parts' arguments: {name: default}, "" if required."""
    return _arguments("models", "MODELS", model, base="Autoencoder")


def part_arguments(argument: str, name: str) -> dict[str, str]:
    """Returns the arguments of a part for `--set`, likewise."""
    return _arguments(*PART_TABLES[argument], name) if argument in PART_TABLES else {}


def _arguments(module: str, table: str, name: str, base: str | None = None) -> dict[str, str]:
    expression = _table(module, table).get(name)
    if isinstance(expression, ast.Call):  # functools.partial(MLP, ...)
        expression = expression.args[0]
    if not isinstance(expression, ast.Name):
        return {}
    found, fixed, place, cls = {}, set(), module, expression.id
    while cls not in (None, *_SIZED_BY_THE_MODEL) and (definition := _find_class(place, cls)) is not None:
        place, node = definition
        init = next((each for each in node.body if getattr(each, "name", None) == "__init__"), None)
        fixed |= _fixed(node)
        if init is not None:
            found = _parameters(init.args) | found
            if cls == base or base is None or init.args.kwarg is None:
                break
        cls = next((each.id for each in node.bases if isinstance(each, ast.Name)), None)
    return {name: default for name, default in found.items() if name not in fixed}


def _parameters(arguments: ast.arguments) -> dict[str, str]:
    """Returns {name: default} of a constructor in the syntax of `--set`; "" for a missing or non-literal default."""
    named = [*arguments.args[1:], *arguments.kwonlyargs]
    defaults = [*arguments.defaults, *arguments.kw_defaults]  # defaults belong to the last arguments
    defaults = [None] * (len(named) - len(defaults)) + defaults
    return {each.arg: _text(default) for each, default in zip(named, defaults, strict=True)}


def _text(default: ast.expr | None) -> str:
    try:
        value = ast.literal_eval(default) if default is not None else ""
    except ValueError:
        return ""
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _fixed(node: ast.ClassDef) -> set[str]:
    """Returns the words of `fixed = (...)` in a class."""
    for each in node.body:
        if isinstance(each, ast.Assign) and getattr(each.targets[0], "id", None) == "fixed":
            return {word.value for word in ast.walk(each.value) if isinstance(word, ast.Constant)}
    return set()


def _find_class(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """Returns the module that defines a class imported by another module, and its definition."""
    for node in _parse(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
            origin = node.module or ""
            return _find_class(origin.removeprefix("keras_ae."), name) if origin.startswith("keras_ae.") else None
    return None


def _table(module: str, name: str) -> dict[str, ast.expr]:
    """Returns the keys of a top-level literal dictionary in a module, and the expressions of its values."""
    for node in _parse(module).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {key.value: value for key, value in pairs}
    return {}


@functools.cache
def _parse(module: str) -> ast.Module:
    path = _PACKAGE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except OSError:  # a package without its sources
        return ast.Module(body=[], type_ignores=[])
