"""Builds a model from settings by name, such as {"prior": "vamp", "prior.components": 500}."""

import functools
import inspect
from typing import Any

from keras_ae import latents, likelihoods, networks, objectives, schedules
from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Posterior, samplers
from keras_ae.latents.priors.hierarchical_normal import TOPS
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.latents.samplers.flow_sampler import FLOWS
from keras_ae.likelihoods import Likelihood
from keras_ae.models import MODELS
from keras_ae.registry import did_you_mean

# Argument name: the parts that it may be, by short name.
PARTS = {
    "encoder": networks.ENCODERS,
    "decoder": networks.DECODERS,
    "classifier": networks.ENCODERS,
    "posterior": latents.POSTERIORS,
    "base": latents.POSTERIORS,
    "prior": latents.PRIORS,
    "top": TOPS,
    "likelihood": likelihoods.LIKELIHOODS,
    "objective": objectives.OBJECTIVES,
    "sampler": samplers.SAMPLERS,
    "flow": FLOWS,
    "discriminator": networks.DISCRIMINATORS,
}
# The schedules that a number may follow.
SCHEDULES = {"linear_warm_up": schedules.LinearWarmUp, "cyclical_warm_up": schedules.CyclicalWarmUp}
_REQUIRED = inspect.Parameter.empty


def find_model(name: str) -> type[Autoencoder]:
    """Returns the class with a short name.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in MODELS:
        raise ValueError(f"`MODEL` must be one of {', '.join(MODELS)}. Received: {name}.{did_you_mean(name, MODELS)}")
    return MODELS[name]


def arguments(cls: type | functools.partial) -> dict[str, Any]:
    """Returns the arguments of a model or a part: {name: default}, `inspect.Parameter.empty` for required ones.

    For a model, this includes the arguments of `Autoencoder`, except the parts that the model fixes.
    """
    if isinstance(cls, functools.partial):
        return arguments(cls.func) | cls.keywords
    found = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or not base.__module__.startswith("keras_ae."):
            continue
        if base in (Posterior, Likelihood):  # the model sets their sizes
            break
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        named = [each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
        for each in named:
            found.setdefault(each.name, each.default)
        handed_on = len(named) < len(parameters) and issubclass(base, Autoencoder)
        if not handed_on or base is Autoencoder:
            break
    if issubclass(cls, LearnedPrior):
        found["trainable"] = True  # of a prior, which may be kept fixed
    return {name: default for name, default in found.items() if name not in getattr(cls, "fixed", ())}


def assemble(name: str, settings: dict[str, Any], **given: Any) -> Autoencoder:
    """Builds the model with a short name.

    Args:
        name: a name in `keras_ae.models.MODELS`.
        settings: dictionary of argument names to values: a number, a word, a list or `None`. A part is given by its
            short name, and "part.argument" is an argument of that part. `parts` is a list of short names, and
            "parts.0.argument" is an argument of the first. `beta` is `objective.beta` if the model has no argument
            `beta`.
        **given: other arguments, passed unchanged; `None` omits an argument.

    Raises:
        ValueError: for unknown names and missing arguments. The constructors validate the values.
    """
    cls, what = find_model(name), f"The model {name}"
    taken, asked = arguments(cls), [key.split(".")[0] for key in settings]
    for key in asked:
        if key in given:
            raise ValueError(f"`{key}` has a separate option: --{key}.")
    given = {key: value for key, value in given.items() if value is not None}
    for key in (*given, *asked):
        if key in cls.fixed or (key in given and key not in taken):
            raise ValueError(f"{what} fixes `{key}`: omit it.")
    if "beta" in settings and "beta" not in taken and "objective" in taken:
        settings = {("objective.beta" if key == "beta" else key): value for key, value in settings.items()}
    return _make(what, cls, _tree(settings), given=given)


def _tree(settings):
    """Nests {"a": 1, "a.b": 2} to {"a": {None: 1, "b": {None: 2}}}."""
    tree = {}
    for name, value in settings.items():
        node = tree
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[None] = value
    return tree


def _make(what, cls, tree, path="", given=None, siblings=None):
    """Builds an object from the settings of its arguments; `siblings` are the possible classes of its parts."""
    taken, values = arguments(cls), dict(given or {})
    for name, node in tree.items():
        if name not in taken:
            has = f"It has: {', '.join(taken)}." if taken else "It has none."
            raise ValueError(f"{what} has no argument `{name}`.{did_you_mean(name, taken)} {has}")
        if name == "parts":
            values[name] = _list_of_parts(path + name, node, siblings)
        else:
            values[name] = _value(path + name, node, taken[name], PARTS.get(name))
    missing = [name for name, default in taken.items() if default is _REQUIRED and name not in values]
    if missing:
        wanted = " ".join(f"--set {path}{name}=..." for name in missing)
        raise ValueError(f"{what} needs {' and '.join(f'`{name}`' for name in missing)}: {wanted}")
    return cls(**values)


def _list_of_parts(place, node, table):
    """Builds the parts of a mixed part, each from its name in a list and the settings under its index."""
    names = node.get(None)
    if not isinstance(names, list):
        raise ValueError(f"`{place}` must be a list, such as [{','.join(list(table)[:2])}]. Received: {names!r}")
    nodes = {str(i): {None: name} for i, name in enumerate(names)}
    for number, settings in node.items():
        if number is None:
            continue
        if number not in nodes:
            raise ValueError(f"`{place}` has {len(names)} parts, counted from 0. Received: {place}.{number}")
        nodes[number] |= settings
    return [_value(f"{place}.{number}", each, _REQUIRED, table) for number, each in nodes.items()]


def _value(place, node, default, table):
    """Returns the value of one argument: a part built from a table, or the given value."""
    parts = {key: each for key, each in node.items() if key is not None}
    value = node.get(None, default)
    scheduled = isinstance(value, str) and not isinstance(default, str)
    if table is None and scheduled and value in SCHEDULES:
        table = SCHEDULES
    if table is not None and isinstance(value, str) and value in table:
        return _make(f"`{place}` {value}", table[value], parts, f"{place}.", siblings=table)
    if parts and table is None:
        raise ValueError(f"`{place}` takes no arguments. Received: {place}.{next(iter(parts))}")
    if table is not None and (parts or isinstance(value, str)):
        received = "none" if value is _REQUIRED else repr(value)
        hint = did_you_mean(value, table) if isinstance(value, str) else ""
        raise ValueError(f"`{place}` must be one of {', '.join(sorted(table))}. Received: {received}.{hint}")
    return value
