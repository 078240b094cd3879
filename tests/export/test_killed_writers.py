"""An export that is killed, or finds no room, leaves the old version or the new one, whole."""

import errno
import json
import os
import pathlib
import sys
import tempfile

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.export.card.probe_file import Probe
from keras_ae.io.writing import staging

SCRIPT = pathlib.Path(__file__).with_name("killing_script.py")


@pytest.fixture(scope="module", params=[("folder", 20), ("folder", 50), ("file", 50)])
def killed(request, processes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    processes.run(folder, SCRIPT, *request.param, "results.json")
    return *request.param, json.loads((folder / "results.json").read_text())


@pytest.mark.slow
def test_every_kill_leaves_one_whole_version(killed):
    """The script verifies what is there after each."""
    _, kills, results = killed
    found = results["random"]
    assert found["old"] + found["new"] == kills
    assert found["old"] and found["new"]  # both sides of the moment at which the new version is there


@pytest.mark.slow
def test_a_kill_before_any_change_of_a_name_leaves_one_whole_version(killed):
    """0 is the old version, and 1 the new one."""
    # Names are changed for the JSON of the card in the stage; for the stage and its four files, or for the two folders.
    steps = {"file": [0, 0, 1, 1, 1, 1, 1], "folder": [0, 0, 0, 1]}
    assert killed[2]["steps"] == steps[killed[0]]


@pytest.mark.slow
def test_what_killed_exports_left_is_removed_by_the_next(killed):
    kind, _, found = killed
    assert found["random"]["leftovers"] > 0
    names = {
        "file": ["a.tflite", "a.tflite.card.json", "a.tflite.card.md", "a.tflite.probes.npz"],
        "folder": ["a", "versions"],
    }
    assert found["names"] == names[kind]


@pytest.mark.slow
def test_two_exports_at_once_leave_one_whole_version_or_a_version_each(killed):
    kind, _, found = killed
    if kind == "file":
        assert len(found["at_once"]) == 5 and set(found["at_once"]) <= {0, 1}
    else:
        assert sorted(found["at_once"], key=int) == [str(number + 1) for number in range(10)]
        assert sorted(found["at_once"].values()) == [0] * 5 + [1] * 5


def test_the_folder_of_a_living_export_is_left_alone(tmp_path):
    with staging(tmp_path / "a") as first, staging(tmp_path / "a") as second:
        assert first != second and first.is_dir() and second.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_leftovers_are_no_exports(tmp_path):
    (tmp_path / ".1.abc.writing" / "assets.extra").mkdir(parents=True)
    (tmp_path / ".1.abc.writing" / "saved_model.pb").touch()
    with pytest.raises(FileNotFoundError, match="There is no export at"):
        kae.export.verify(tmp_path)


def refusing(number):
    def refuse(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("parent", ["/proc/none", "/proc", "l" * 300, "file/below", "link"])
def test_a_folder_that_cannot_be_is_said_by_the_name_of_the_export(tmp_path, parent):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    target = tmp_path / parent / "a.tflite"  # an absolute name stays as it is
    with pytest.raises(OSError, match=f"{target} could not be written") as caught, staging(target):
        pass
    assert ".writing" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


@pytest.mark.parametrize("export", ["litert", "onnx", "saved_model", "verify"])
@pytest.mark.parametrize(
    ("path", "error"), [(None, TypeError), (3, TypeError), (b"a", TypeError), ("a\0b", ValueError)]
)
def test_what_is_no_path_is_refused(cvae, export, path, error):
    arguments = (path,) if export == "verify" else (cvae, path)
    with pytest.raises(error, match=r"`(path|directory)` must be a path"):
        getattr(kae.export, export)(*arguments)


@pytest.mark.parametrize(
    ("owner", "name", "number", "reason"),
    [
        (pathlib.Path, "write_bytes", errno.ENOSPC, "No space left on device"),
        (np, "savez", errno.ENOSPC, "No space left on device"),
        (pathlib.Path, "write_text", errno.ENOSPC, "No space left on device"),
        (os, "fsync", errno.ENOSPC, "No space left on device"),
        (os, "rename", errno.EROFS, "Read-only file system"),
        (tempfile, "mkdtemp", errno.EROFS, "Read-only file system"),
        (tempfile, "mkdtemp", errno.ENOENT, "No such file or directory"),
        (tempfile, "mkdtemp", errno.EACCES, "Permission denied"),
    ],
)
def test_a_disk_that_refuses_is_said_and_nothing_is_changed(cvae, tmp_path, monkeypatch, owner, name, number, reason):
    litert = sys.modules["keras_ae.export.litert.convert"]
    for name_of_slow, fast in {
        "device_probes": [Probe("decode", {"z": np.zeros(2)}, {"x": np.zeros(2)})],
        "convert": b"",
        "tensors": {},
        "pack": b"new",
        "_sizes": {"total": 1, "weights": 1},
        "answers": {"x": None},
        "judge": {},
    }.items():
        monkeypatch.setattr(litert, name_of_slow, lambda *arguments, fast=fast, **options: fast)
    report = {"signatures": {}, "errors": {}, "latency": {}}
    monkeypatch.setattr(litert, "compare", lambda *arguments, **options: report)
    old = {tmp_path / "a.tflite": b"old", tmp_path / "a.tflite.card.json": b"old card"}
    for path, content in old.items():
        path.write_bytes(content)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, refusing(number))
        with pytest.raises(OSError, match=rf"a\.tflite could not be written, and nothing was changed: {reason}"):
            kae.export.litert(cvae, tmp_path / "a.tflite")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == old
    kae.export.litert(cvae, tmp_path / "a.tflite")
    assert (tmp_path / "a.tflite").read_bytes() == b"new"
