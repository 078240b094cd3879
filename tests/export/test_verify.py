"""`verify` finds out what of an export is missing or wrong, where the model is gone."""

import json
import shutil
import sys

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.export.card.probe_file import Probe, read_probes, write_probes
from keras_ae.export.verification import comparison, isolated_runner


@pytest.fixture(scope="module")
def exports(cvae, tmp_path_factory):
    """A folder with one export of each kind."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "_run", lambda kind, *paths: isolated_runner.answer(kind, *map(str, paths)))
        kae.export.litert(cvae, folder / "tflite" / "a.tflite")
        kae.export.saved_model(cvae, folder / "models" / "a" / "1")
    return folder


@pytest.fixture
def folder(exports, tmp_path):
    return shutil.copytree(exports, tmp_path / "exports")


FILE, CARD, PROBES = "tflite/a.tflite", "tflite/a.tflite.card.json", "tflite/a.tflite.probes.npz"
WEIGHTS = "models/a/1/variables/variables.data-00000-of-00001"


def flip(path, place=0.6):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)


def problems(path):
    report = kae.export.verify(path)
    assert report.ok == (not report.problems)
    return report.problems


@pytest.mark.slow
def test_exports_are_verified_by_other_processes(exports):
    """The real ones: a loader of each kind."""
    report = kae.export.verify(exports)
    assert report.ok and report.problems == []
    assert [str(path.relative_to(exports)) for path in report.artifacts] == ["models/a/1", FILE]
    numbers = [check.finding for check in report.checks if check.subject == "numbers"]
    assert len(numbers) == 2 and all("maximum difference from the model" in finding for finding in numbers)
    subjects = {check.subject for check in report.checks}
    files = {"a.tflite", "a.tflite.probes.npz", "saved_model.pb", "assets.extra/probes.npz"}
    assert {"card", "numbers"} | files <= subjects


def test_one_export_can_be_verified_alone(folder, in_process):
    for path in (folder / FILE, folder / "models" / "a" / "1"):
        report = kae.export.verify(path)
        assert report.ok and list(report.artifacts) == [path]


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        (FILE, "a.tflite: file changed: its SHA-256 is not"),
        (PROBES, "a.tflite.probes.npz: file changed"),
        ("tflite/a.tflite.card.md", "a.tflite.card.md: file changed"),
        (WEIGHTS, "variables/variables.data-00000-of-00001: file changed"),
        ("models/a/1/saved_model.pb", "saved_model.pb: file changed"),
        ("models/a/1/assets.extra/card.md", "assets.extra/card.md: file changed"),
    ],
)
def test_a_changed_bit_is_found(folder, name, finding):
    flip(folder / name)
    artifact = folder / FILE if name.startswith("tflite") else folder / "models/a/1"
    changed, numbers = problems(artifact)
    assert finding in changed and changed.startswith(str(artifact))
    assert numbers.endswith("numbers: not run: its files do not match its card")


@pytest.mark.parametrize("name", [FILE, PROBES, "tflite/a.tflite.card.md", WEIGHTS, "models/a/1/saved_model.pb"])
def test_a_missing_file_is_found(folder, name):
    (folder / name).unlink()
    found = problems(folder / "tflite" if name.startswith("tflite") else folder / "models")
    assert len(found) == 2 and found[0].endswith(f"{name.rpartition('a/1/')[2].split('tflite/')[-1]}: file missing")


def test_a_cut_file_is_found_by_its_size(folder):
    path = folder / FILE
    path.write_bytes(path.read_bytes()[:-1])
    assert "a.tflite: file changed: it has" in problems(path)[0]


def test_a_link_is_no_file(folder):
    (folder / "elsewhere").write_bytes((folder / FILE).read_bytes())
    (folder / FILE).unlink()
    (folder / FILE).symlink_to(folder / "elsewhere")
    assert "a.tflite: file changed: it is not a regular file" in problems(folder / FILE)[0]


@pytest.mark.parametrize("name", ["models/a/1/new.py", "models/a/1/assets.extra/more", "models/a/1/variables/a"])
def test_a_file_that_is_not_on_the_card_is_found(folder, name):
    (folder / name).touch()
    assert problems(folder / "models")[0].endswith(f"{name.removeprefix('models/a/1/')}: file not on the card")


@pytest.mark.parametrize("name", [CARD, "models/a/1/assets.extra/card.json"])
def test_a_missing_card_is_found(folder, name):
    (folder / name).unlink()
    (problem,) = problems(folder / name.split("/")[0])
    assert "card: card missing: there is no " in problem


def test_a_missing_loader_is_said(folder, monkeypatch):
    monkeypatch.setitem(
        sys.modules["keras_ae.export.verification.verify"]._LOADERS, "litert", ("no_such_module", "no-such-package")
    )
    (problem,) = problems(folder / FILE)
    assert problem.endswith("numbers: loader missing: pip install no-such-package")


def test_what_is_no_export_is_said(tmp_path):
    (tmp_path / "a.txt").touch()
    for path in (tmp_path, tmp_path / "a.txt", tmp_path / "b.tflite", tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match="There is no export at"):
            kae.export.verify(path)


CARDS = {
    "no JSON": "{",
    "a list": "[]",
    "deep": "[" * 100_000,
    "another format": {"card": 99},
    "a name outside": {"files": {"../../passwd": {"bytes": 1, "sha256": "0" * 64}}},
    "an absolute name": {"files": {"/etc/passwd": {"bytes": 1, "sha256": "0" * 64}}},
    "no hash": {"files": {"a.tflite": {"bytes": 1, "sha256": "0"}}},
    "no bytes": {"files": {"a.tflite": {"sha256": "0" * 64}}},
    "files that are a list": {"files": ["a.tflite"]},
    "no files": {"files": {}},
    "an unknown kind": {"format": "pickle"},
    "signatures that are none": {"signatures": 3},
    "too large": " " * (1 << 21),
}


@pytest.mark.parametrize("what", CARDS)
def test_a_card_that_is_none_is_said(folder, what):
    known = json.loads((folder / CARD).read_text())
    change = CARDS[what]
    (folder / CARD).write_text(change if isinstance(change, str) else json.dumps({**known, **change}))
    (problem,) = problems(folder / FILE)
    assert "card: card damaged: " in problem and "a.tflite.card.json" in problem


def test_a_random_change_of_a_card_never_ends_in_another_error(folder, monkeypatch):
    """300 of them; what is not damaged by it is verified as far as the files go."""
    monkeypatch.setattr(sys.modules["keras_ae.export.verification.verify"], "_numbers", lambda *arguments: (True, ""))
    rng, content = np.random.default_rng(0), (folder / CARD).read_bytes()
    values = [None, 0, -1, 1e308, True, "", "../x", "\0", [], {}, [[]], 10**40, {"a": {}}]
    found = 0
    for number in range(300):
        card = json.loads(content)
        if number % 2:
            table = card if number % 4 == 1 else card["files"]["a.tflite"]
            table[str(rng.choice(sorted(table)))] = values[rng.integers(len(values))]
            changed = json.dumps(card).encode()
        else:
            place = rng.integers(len(content))
            changed = content[:place] + bytes(rng.integers(0, 256, rng.integers(0, 9), np.uint8)) + content[place + 4 :]
        (folder / CARD).write_bytes(changed)
        found += bool(problems(folder / FILE))
    assert found > 100


@pytest.mark.parametrize("change", ["object", "name", "compressed", "outside", "cut", "empty"])
def test_probes_that_are_none_are_said(tmp_path, change):
    path, numbers = tmp_path / "probes.npz", np.zeros([2, 3], np.float32)
    write_probes(path, [Probe("decode", {"z": numbers}, {"x": numbers + 1})])
    (probe,) = read_probes(path)
    assert probe.signature == "decode" and (probe.outputs["x"] == 1).all()
    if change == "object":
        np.savez(path, **{"0/decode/inputs/z": np.array([{}], object)})
    elif change == "name":
        np.savez(path, z=numbers)
    elif change == "compressed":
        np.savez_compressed(path, **{"0/decode/inputs/z": np.zeros([10**6], np.float32)})
    elif change == "outside":
        np.savez(path, **{"../decode/inputs/z": numbers})
    elif change == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    else:
        np.savez(path)
    with pytest.raises(ValueError, match=r"probes\.npz"):
        read_probes(path)
