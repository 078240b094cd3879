import datetime
import hashlib
import json
import re

import pytest

import keras_ae as kae
from keras_ae.export.card.card import card_text
from keras_ae.export.signatures.descriptions import descriptions
from keras_ae.export.signatures.server import ServerSignatures

DETAILS = {
    "data": {"dataset": "strokes", "split": "train[:60]", "condition": ["digit"], "examples": {"training": 54}},
    "training": {
        "command": "keras-ae train cvae --out runs/a",
        "epochs": 3,
        "model": {"name": "cvae", "hidden": [9, 8]},
    },
    "metrics": {"protocol": "Means, in nats.", "validation": {"loss": 31.25, "kl": 4.5}, "seconds": 1.75},
}


@pytest.fixture(scope="module")
def exported(cvae, tmp_path_factory):
    path = tmp_path_factory.mktemp("card") / "cvae.tflite"
    return kae.export.litert(cvae, path, details=DETAILS, license="CC BY 4.0")


@pytest.fixture
def card(exported):
    return json.loads(exported.path.with_name("cvae.tflite.card.json").read_text())


def leaves(value):
    if isinstance(value, dict):
        for key, entry in value.items():
            yield str(key)
            yield from leaves(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from leaves(entry)
    elif value is not None:
        yield str(value)


def test_the_card_says_what_the_run_knows(card):
    assert {name: card[name] for name in DETAILS} == DETAILS
    assert card["license"] == "CC BY 4.0"
    assert datetime.datetime.fromisoformat(card["date"]).utcoffset() == datetime.timedelta(0)


def test_the_card_for_people_says_the_same(exported, card):
    text = exported.path.with_name("cvae.tflite.card.md").read_text()
    own = card["files"].pop("cvae.tflite.card.md")
    titles = {"signatures", "tensors", "omitted", "model", "data", "training", "metrics", "errors", "bytes", "latency",
              "machine", "versions", "files", "limits", "path", "detector"}  # fmt: skip
    empty = {name for name in titles if not card[name]}
    said = [leaf for leaf in leaves({k: v for k, v in card.items() if k not in empty}) if leaf not in titles]
    assert [leaf for leaf in said if leaf.replace("|", "\\|") not in text] == []
    assert len(said) > 150 and own["sha256"] not in text
    assert re.search(r"^\| decode \| inputs \| z \| float32 \| \[1, 4\] \|$", text, re.MULTILINE)
    assert re.search(r"^\| z \| A code, .* \| standard deviations of the prior \|", text, re.MULTILINE)
    assert re.search(r"^\| validation \| 31.25 \| 4.5 \|$", text, re.MULTILINE)


def test_a_cell_stays_a_cell(card):
    text = card_text({**card, "license": "a | b\n\n# c", "limits": ["x\n- y"]})
    assert "| license | a \\| b # c |" in text.splitlines() and "- x - y" in text.splitlines()


def test_every_file_has_its_size_and_hash(exported, card):
    there = {path.name for path in exported.path.parent.iterdir()}
    assert set(card["files"]) == there - {"cvae.tflite.card.json"} and len(there) == 4
    for name, known in card["files"].items():
        content = (exported.path.parent / name).read_bytes()
        assert known == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert exported.files == card["files"]


def test_probes_are_small(card):
    # Six pictures and six codes: less than what 8-bit weights of this decoder, of 20,000 numbers, take.
    assert card["files"]["cvae.tflite.probes.npz"]["bytes"] < 10_000


CONDITIONS = {
    "none": lambda: None,
    "categorical": lambda: kae.Categorical(10),
    "mixed": lambda: {"digit": kae.Categorical(5), "tilt": kae.Continuous(2)},
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_input_of_a_server_has_a_meaning_and_a_unit(small, condition):
    model = small(CONDITIONS[condition]())
    found = descriptions(model)
    for signature in ServerSignatures(model, 9).all():
        for spec in signature.inputs:
            assert found[spec.name]["description"] and found[spec.name]["unit"]


@pytest.mark.parametrize(
    ("likelihood", "unit", "values"),
    [
        ("bernoulli", "gray level, 0 to 1", [0.0, 1.0]),
        ("normal", "same as the data", None),
        ("poisson", "counts", [0.0, None]),
    ],
)
def test_the_range_of_x_is_that_of_the_likelihood(small, likelihood, unit, values):
    x = descriptions(small(likelihood=likelihood))["x"]
    assert x["unit"] == unit and x["range"] == values


def test_units_are_those_of_the_prior_and_of_the_training(small):
    model = small({"digit": kae.Categorical(5), "tilt": kae.Continuous()}, prior="normal_mixture")
    model.condition.properties["tilt"].adapt([10.0, 14.0])
    found = descriptions(model)
    assert found["z"]["unit"] == "same as the prior, NormalMixture"
    assert found["digit"]["range"] == [0, 4]
    assert found["tilt"]["range"] is None and found["tilt"]["typical"] == [8.0, 16.0]  # 12, and two deviations of 2


def test_limits_are_facts(card):
    limits = " ".join(card["limits"])
    assert "Shapes are static: 1 row a call." in limits and "infinity gives NaN" in limits and "5e-05" in limits
    assert "without a run" not in limits


def test_what_is_not_known_is_said(small, tmp_path):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    card = kae.export.litert(model, tmp_path / "a.tflite")
    assert card.license == "not stated" and card.data == card.training == card.metrics == {}
    assert card.limits[0] == "There is no `generate`: The model has no prior to sample from."
    assert card.limits[-1] == "It was exported without a run: its data, training and metrics are unknown."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"details": "mnist"}, r"`details` must be a dictionary with dictionaries .* Received: 'mnist'"),
        ({"details": {"author": {}}}, "`details` must be"),
        ({"details": {"data": "mnist"}}, "`details` must be"),
        (
            {"details": {"data": {"x": object()}}},
            "`details` must consist of strings, numbers, .* Received: Object of type",
        ),
        ({"details": {"data": {"x": b"a"}}}, "`details` must consist of"),
        ({"license": ""}, "`license` must be a string, .* Received: ''"),
        ({"license": 4}, "`license` must be"),
    ],
)
@pytest.mark.parametrize("name", ["a.tflite", "1"])
def test_wrong_facts_are_refused_before_anything_is_done(cvae, tmp_path, name, arguments, sentence):
    export = kae.export.litert if name == "a.tflite" else kae.export.saved_model
    with pytest.raises(ValueError, match=sentence):
        export(cvae, tmp_path / name, **arguments)
    assert list(tmp_path.iterdir()) == []
