"""From settings by name, such as {"prior": "vamp", "prior.components": 500}, to a model."""

import functools
import inspect

from keras_ae import latents, likelihoods, networks, objectives, schedules
from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Posterior, samplers
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.latents.samplers.flow_sampler import FLOWS
from keras_ae.likelihoods import Likelihood
from keras_ae.models import MODELS
from keras_ae.registry import did_you_mean

# The parts that an argument of this name may be, by their short names.
PARTS = {
    "encoder": networks.ENCODERS,
    "decoder": networks.DECODERS,
    "classifier": networks.ENCODERS,
    "posterior": latents.POSTERIORS,
    "base": latents.POSTERIORS,
    "prior": latents.PRIORS,
    "likelihood": likelihoods.LIKELIHOODS,
    "objective": objectives.OBJECTIVES,
    "sampler": samplers.SAMPLERS,
    "flow": FLOWS,
    "discriminator": networks.DISCRIMINATORS,
}
# What a number that follows a schedule may be.
SCHEDULES = {"linear_warm_up": schedules.LinearWarmUp, "cyclical_warm_up": schedules.CyclicalWarmUp}
_REQUIRED = inspect.Parameter.empty


def find_model(name):
    """The class with a short name.

    Raises:
        ValueError: where there is none.
    """
    if name not in MODELS:
        raise ValueError(f"`MODEL` must be one of {', '.join(MODELS)}. Received: {name}.{did_you_mean(name, MODELS)}")
    return MODELS[name]


def arguments(cls):
    """What a model or a part takes by name: {name: default}, `inspect.Parameter.empty` for what must be given.

    Of a model, this is also what it hands on to `Autoencoder`; the parts that it fixes are no arguments.
    """
    if isinstance(cls, functools.partial):
        return arguments(cls.func) | cls.keywords
    found = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or not base.__module__.startswith("keras_ae."):
            continue
        if base in (Posterior, Likelihood):  # their sizes are those of the model
            break
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        named = [each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
        for each in named:
            found.setdefault(each.name, each.default)
        handed_on = len(named) < len(parameters) and issubclass(base, Autoencoder)
        if not handed_on or base is Autoencoder:
            break
    if issubclass(cls, LearnedPrior):
        found["trainable"] = True  # of a prior, which may be given to be kept as it is
    return {name: default for name, default in found.items() if name not in getattr(cls, "fixed", ())}


def assemble(name, settings, **given):
    """The model of a short name.

    Args:
        name: a name in `keras_ae.models.MODELS`.
        settings: dictionary of names of arguments to values: a number, a word, a list or `None`. An argument that is a
            part is its short name, and "part.argument" is an argument of that part. `parts` are a list of short names,
            and "parts.0.argument" is an argument of the first. `beta` is `objective.beta` where the model has none of
            its own.
        **given: arguments that are no settings, as they are; `None` for those that are to be left out.

    Raises:
        ValueError: for names that there are not, values of another type and arguments that are missing.
    """
    cls, what = find_model(name), f"The model {name}"
    taken, asked = arguments(cls), [key.split(".")[0] for key in settings]
    for key in asked:
        if key in given:
            raise ValueError(f"`{key}` has an option of its own, --{key}.")
    given = {key: value for key, value in given.items() if value is not None}
    for key in (*given, *asked):
        if key in cls.fixed or (key in given and key not in taken):
            raise ValueError(f"{what} has no choice of `{key}`: leave it out.")
    if "beta" in settings and "beta" not in taken and "objective" in taken:
        settings = {("objective.beta" if key == "beta" else key): value for key, value in settings.items()}
    return _make(what, cls, _tree(settings), given=given)


def _tree(settings):
    """{"a": 1, "a.b": 2} as {"a": {None: 1, "b": {None: 2}}}."""
    tree = {}
    for name, value in settings.items():
        node = tree
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[None] = value
    return tree


def _make(what, cls, tree, path="", given=None, siblings=None):
    """An object of a class, from the settings of its arguments; `siblings` are the parts that its own may be."""
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
    """The parts of which another is made, each from its name in a list and from the settings of its number."""
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
    """The value of one argument: a part of a table with arguments of its own, or what was given."""
    parts = {key: each for key, each in node.items() if key is not None}
    value = node.get(None, default)
    scheduled = isinstance(value, str) and not isinstance(default, str)
    if table is None and scheduled and value in SCHEDULES:
        table = SCHEDULES
    if table is not None and isinstance(value, str) and value in table:
        return _make(f"`{place}` {value}", table[value], parts, f"{place}.", siblings=table)
    if parts and table is None:
        raise ValueError(f"`{place}` has no arguments of its own. Received: {place}.{next(iter(parts))}")
    if table is not None and (parts or isinstance(value, str)):
        received = "none" if value is _REQUIRED else repr(value)
        hint = did_you_mean(value, table) if isinstance(value, str) else ""
        raise ValueError(f"`{place}` must be one of {', '.join(sorted(table))}. Received: {received}.{hint}")
    _check_type(place, value, default)
    return value


def _check_type(place, value, default):
    """Raises a `ValueError` where a value is of another type than the default; of `None` the class itself decides."""
    if value is None and not isinstance(default, bool):
        return
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or isinstance(value, float)
    if isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        fits, wanted = whole, "a whole number"
    elif isinstance(default, float):
        fits, wanted = number, "a number"
    elif isinstance(default, (tuple, list)):
        fits, wanted = isinstance(value, list), "a list, such as [200,200]"
    elif isinstance(default, str):
        fits, wanted = isinstance(value, str) or number, "a word or a number"
    else:
        return
    if not fits:
        raise ValueError(f"`{place}` must be {wanted}. Received: {value!r}")
