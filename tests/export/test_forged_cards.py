"""`verify` finds a card that claims what is not so: one that was changed alone, and one that was sealed again."""

import functools
import json
import pathlib
import shutil

import pytest
from tiers import first

import keras_ae as kae
from keras_ae.export.card.artifact_files import ArtifactFiles, contents, name_of, sha256
from keras_ae.export.card.card import text_of
from keras_ae.export.card.probe_file import read_probes, write_probes
from keras_ae.export.verification.comparison import HALF_TOLERANCE

DETAILS = {"data": {"dataset": "digits"}, "training": {"epochs": 3}, "metrics": {"validation": {"loss": 31.25}}}


@pytest.fixture(scope="module")
def exports(cvae, asked_here, tmp_path_factory):
    """A function that gives the folder of an export: a .tflite file by how it is rounded, or the one for a server."""
    folder = tmp_path_factory.mktemp("exports")

    @functools.cache
    def export(name):
        with pytest.MonkeyPatch.context() as patch:
            asked_here(patch)
            if name == "server":
                kae.export.saved_model(cvae, folder / name / "1", details=DETAILS)
            else:
                kae.export.litert(cvae, folder / name / "a.tflite", quantize=name, details=DETAILS)
        return folder / name

    return export


@pytest.fixture
def copied(exports, tmp_path):
    """A function that gives a copy of an export, as it was made."""

    def copy(name):
        folder = shutil.copytree(exports(name), tmp_path / name)
        return folder / ("1" if name == "server" else "a.tflite")

    return copy


def change(artifact, path, value):
    """Changes a field of the card alone, by the names that lead to it."""
    place = ArtifactFiles.of(artifact).card
    card = json.loads(place.read_text())
    table = card
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    place.write_text(json.dumps(card))


def seal(artifact):
    """Lets the card for people and the hashes of all files be those of a changed card."""
    places = ArtifactFiles.of(artifact)
    card, own = json.loads(places.card.read_text()), name_of(artifact, places.text)
    for _ in range(2):  # the text first, then its hash
        card["files"] = {
            name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for name, path in contents(artifact).items()
        }
        places.text.write_text(text_of(card, own))
    places.card.write_text(json.dumps(card))


def problem(artifact):
    report = kae.export.verify(artifact)
    wrong = [check for check in report.checks if not check.ok]
    assert not report.ok and len(wrong) <= 2
    if len(wrong) == 2:
        assert wrong[1].finding == "not run: its files do not match its card"
    return f"{wrong[0].subject}: {wrong[0].finding}"


@pytest.mark.parametrize("name", first(1, ["none", "fp16", "int8", "server"]))
def test_what_was_sealed_is_verified_and_what_is_not_repeated_is_said(copied, in_process, name):
    artifact = copied(name)
    seal(artifact)
    report = kae.export.verify(artifact)
    assert report.ok, report.problems
    said = report.checks[-1].finding
    assert said.endswith(
        "not measured again: " + ("latency, metrics" if name == "server" else "quality, latency, metrics")
    )


def test_a_card_with_the_spelling_of_before_is_verified(copied, in_process):
    """`licence`, which is `license` now."""
    artifact = copied("none")
    place = ArtifactFiles.of(artifact).card
    card = place.read_text().replace('"license"', '"licence"')
    assert '"licence"' in card
    place.write_text(card)
    seal(artifact)
    assert kae.export.verify(artifact).ok


FORGED = [
    (("errors", "decode", "x", "max"), 0.0),
    (("errors", "generate", "x", "rms"), 0.0),
    (("quality", "relative"), 1e-12),
    (("quality", "budget"), {"relative": 9.0}),
    (("bytes", "total"), 1),
    (("bytes", "weights"), 1),
    (("metrics", "validation", "loss"), 0.5),
    (("metrics",), {}),
    (("training", "epochs"), 300),
    (("data", "dataset"), "mnist"),
    (("latency", "decode_us"), 0.1),
    (("model", "class"), "VAE"),
    (("tensors", "z", "unit"), "kg"),
    (("versions", "keras_ae"), "99"),
    (("date",), "2000-01-01T00:00:00+00:00"),
    (("license",), "MIT"),
    (("limits",), []),
    (("omitted",), {"encode": "secret"}),
    (("author",), "nobody"),
    (("path",), "b.tflite"),
]


@pytest.mark.parametrize(("path", "value"), FORGED, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_a_field_that_was_changed_alone_is_found(copied, path, value):
    artifact = copied("none")
    change(artifact, path, value)
    assert problem(artifact).startswith("card: card changed: it says ")


@pytest.mark.parametrize("path", [("verified",), ("quantize",)])
@pytest.mark.parametrize("value", [False, "anything", None, 1, ["none"]])
def test_a_field_that_has_few_values_has_no_other(copied, path, value):
    artifact = copied("none")
    change(artifact, path, value)
    assert f"card: card damaged: {artifact}.card.json is not the card of an export: `{path[0]}` must be " in problem(
        artifact
    )


@pytest.mark.slow
def test_the_rounding_of_a_savedmodel_is_none(copied):
    artifact = copied("server")
    change(artifact, ("quantize",), "int8")
    assert "`quantize` must be one of ('none',). Received: 'int8'" in problem(artifact)


@pytest.mark.parametrize("quantize", ["fp16", "int8", "dynamic"])
def test_a_rounding_that_would_allow_more_is_found(copied, quantize):
    artifact = copied("none")
    change(artifact, ("quantize",), quantize)
    assert "card changed: it says '| quantize" in problem(artifact)


@pytest.mark.parametrize(
    ("name", "path", "value", "sentence"),
    first(
        4,
        [
            ("int8", ("bytes", "total"), 1, "size differs: it is"),
            ("int8", ("errors", "decode", "x", "max"), 0.0, "errors differ: `x` of `decode` differs from the model by"),
            ("none", ("errors",), {}, "errors missing: the card has none of"),
            ("none", ("signatures", "decode", "inputs", "z", "shape"), [1, 5], "signatures differ"),
            ("int8", ("errors", "generate", "x", "max"), "0", "errors missing: the card has none of `x` of `generate`"),
            ("server", ("bytes", "total"), 1, "size differs: it is"),
        ],
    ),
)
def test_a_claim_that_was_sealed_again_is_computed_again(copied, in_process, name, path, value, sentence):
    artifact = copied(name)
    change(artifact, path, value)
    seal(artifact)
    assert problem(artifact).startswith(f"numbers: {sentence}")


def shift(artifact, difference):
    """Lets the model have answered something else, in every call of `decode`."""
    path = ArtifactFiles.of(artifact).probes
    probes = read_probes(path)
    moved = [p._replace(outputs={"x": p.outputs["x"] + difference}) if p.signature == "decode" else p for p in probes]
    write_probes(path, moved)
    seal(artifact)
    return max(abs(p.outputs["x"]).max() for p in moved)


def test_other_numbers_are_found(copied, in_process):
    """Files that are those of the card all the same, as in an export that was made of another model by mistake."""
    artifact = copied("none")
    shift(artifact, 0.01)
    assert "numbers: The export is wrong: `x` of `decode` differs from the model by 0.01" in problem(artifact)


@pytest.mark.slow
def test_float16_has_its_own_tolerance(copied, in_process):
    """4e-3 of the largest value: one level of 8 bits."""
    artifact = copied("fp16")
    size = shift(artifact, 0.0)
    shift(artifact, 1.5 * HALF_TOLERANCE * size)
    found = problem(artifact)
    assert 'numbers: The export exceeds its budget "relative": `x` of `decode` differs from the model by' in found
    change(artifact, ("quality", "budget"), {"relative": 0.1})  # as an export that was given a budget has it
    change(artifact, ("errors", "decode", "x", "max"), 0.1)
    seal(artifact)
    assert kae.export.verify(artifact).ok


@pytest.mark.parametrize("kind", ["card.md", "probes.npz"])
def test_a_file_that_the_card_does_not_name_may_not_be_missing(copied, kind):
    artifact = copied("none")
    place = ArtifactFiles.of(artifact).card
    card = json.loads(place.read_text())
    pathlib.Path(f"{artifact}.{kind}").unlink()
    del card["files"][f"a.tflite.{kind}"]
    place.write_text(json.dumps(card))
    assert problem(artifact) == f"a.tflite.{kind}: file missing, and not on the card"
