"""`--set NAME=VALUE` reaches every argument of every model and of every part."""

import functools
import inspect
import pathlib
import re

import pytest
from holder import Holder

import keras_ae as kae
from keras_ae.cli.settings import parse_settings
from keras_ae.cli.train import train
from keras_ae.models import MODELS
from keras_ae.run.assembly import PARTS, SCHEDULES, arguments, assemble

CONDITION = kae.Categorical(3)


@pytest.mark.parametrize("name", MODELS)
def test_every_argument_of_every_model_is_reached(name):
    """The default of each, given by name, makes the model that is made without."""
    given = {key: 2 for key, default in arguments(MODELS[name]).items() if default is inspect.Parameter.empty}
    given.pop("condition", None)
    condition = CONDITION if MODELS[name].needs_condition else None
    plain = assemble(name, given, condition=condition, seed=0)
    defaults = {
        key: list(default) if isinstance(default, tuple) else default
        for key, default in arguments(MODELS[name]).items()
        if key not in (*given, "condition", "seed") and isinstance(default, (int, float, str, tuple, type(None)))
    }
    again = assemble(name, {**given, **defaults}, condition=condition, seed=0)

    def names_left_out(config):
        if isinstance(config, dict):
            return {key: names_left_out(value) for key, value in config.items() if key != "name"}
        return config

    assert names_left_out(again.get_config()) == names_left_out(plain.get_config())


@pytest.mark.parametrize("part", [(kind, name) for kind, table in PARTS.items() for name in table], ids="-".join)
def test_every_argument_of_every_part_is_its_attribute_or_in_its_config(part):
    cls = PARTS[part[0]][part[1]]
    needed = {key for key, default in arguments(cls).items() if default is inspect.Parameter.empty}
    parts = [kae.latents.StandardNormal() if part[0] == "prior" else kae.latents.DiagonalNormal()]
    values = {"num_examples": 10, "capacity": 5.0, "categorical_capacity": 2.0, "parts": parts, "sizes": [2]}
    config = cls(**{key: values[key] for key in needed}).get_config()
    assert set(arguments(cls)) <= set(config)


def test_a_prior_can_be_kept_as_it_is():
    texts = ["prior=normal_mixture", "prior.components=3", "prior.trainable=false"]
    assert not assemble("adversarial_ae", parse_settings(texts)).prior_layer.trainable
    texts = ["latent_dim=4", "prior=mixed", "prior.parts=normal_mixture,real_nvp", "prior.sizes=2,2"]
    assert not assemble("adversarial_ae", parse_settings([*texts, "prior.trainable=false"])).prior_layer.learns
    parts = [f"prior.parts.{number}.trainable=false" for number in range(2)]
    assert not assemble("adversarial_ae", parse_settings([*texts, *parts])).prior_layer.learns


def test_a_number_that_may_be_none_can_be():
    model = assemble("contractive_ae", parse_settings(["num_projections=none"]))
    assert model.objective.num_projections is None
    with pytest.raises(ValueError, match=r"`latent_dim` must be a positive integer\. Received: latent_dim=None"):
        assemble("vae", parse_settings(["latent_dim=none"]))


TABLES = {**PARTS, "number": SCHEDULES}


def constructed_with(monkeypatch, cls, name, texts):
    """What the constructor of a class is given while a model is assembled; classes in place of parts."""
    seen = {}

    @functools.wraps(cls.__init__)
    def note(self, **given):
        seen.update(given)

    with monkeypatch.context() as patch:
        patch.setattr(cls, "__init__", note)
        condition = CONDITION if getattr(cls, "needs_condition", False) is True else None
        assemble(name, parse_settings(texts), condition=condition, seed=3)

    def shown(value):
        return type(value) if type(value).__module__.startswith("keras_ae.") else value

    return {key: list(map(shown, value)) if isinstance(value, list) else shown(value) for key, value in seen.items()}


def value_for(name, default, siblings):
    """A text that an argument can be set to, and what its constructor must be given then."""
    table = siblings if name == "parts" else TABLES.get(name)
    if table is not None:
        part = next(key for key, cls in table.items() if inspect.Parameter.empty not in arguments(cls).values())
        cls = getattr(table[part], "func", table[part])
        return (f"[{part},{part}]", [cls, cls]) if name == "parts" else (part, cls)
    if isinstance(default, (tuple, list)):
        return "3,4", [3, 4]
    return ("word", "word") if isinstance(default, str) else ("7", 7)


CONSTRUCTED = [("", name) for name in MODELS] + [(kind, name) for kind, table in TABLES.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), CONSTRUCTED)
def test_every_argument_of_every_constructor_is_reached(kind, name, monkeypatch):
    """Those of models by `--set` or by an option of their own, those of parts by `--set` alone."""
    monkeypatch.setitem(MODELS, "holder", Holder)
    cls = TABLES[kind][name] if kind else MODELS[name]
    cls = getattr(cls, "func", cls)
    ours = cls.__init__.__module__.startswith("keras_ae.")
    own = list(inspect.signature(cls.__init__).parameters.values())[1:] if ours else ()
    taken = {each.name: each.default for each in own}
    if not kind:
        handed_on = list(inspect.signature(kae.Autoencoder.__init__).parameters.values())[1:]
        taken = {each.name: each.default for each in handed_on if each.name not in cls.fixed} | taken
        assert {"condition", "seed"} <= set(inspect.signature(train).parameters) & set(taken)
        taken = {key: default for key, default in taken.items() if key not in ("condition", "seed")}
    taken.pop("kwargs", None)
    values = {key: value_for(key, default, TABLES.get(kind)) for key, default in taken.items()}
    needed = {key for key, default in taken.items() if default is inspect.Parameter.empty}
    for key, (_, expected) in values.items():
        given = [f"{kind}.{each}".lstrip(".") + f"={values[each][0]}" for each in {key} | needed]
        model, texts = ("holder", [f"{kind}={name}", *given]) if kind else (name, given)
        assert constructed_with(monkeypatch, cls, model, texts)[key] == expected


def test_every_argument_that_takes_a_part_by_name_has_its_table():
    sources = "".join(path.read_text(encoding="utf-8") for path in pathlib.Path(kae.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'\b(?:resolve|networks\.get)\("(\w+)"', sources)) == set(PARTS)


def test_schedules_have_their_names():
    assert {cls.__name__ for cls in SCHEDULES.values()} == {name for name in kae.schedules.__all__ if name[0].isupper()}
