"""An archive with other files, names or weights than those of a model is refused before anything of it is used."""

import io
import zipfile

import h5py
import pytest
from keras_files import CONFIG, WEIGHTS, changed, refused, write

ARCHIVES = {
    "a name above": (lambda m: [*m.items(), ("../evil.py", b"x")], "must refer to a file inside its folder"),
    "an absolute name": (
        lambda m: [*m.items(), ("/elsewhere/evil.py", b"x")],
        "must refer to a file inside its folder",
    ),
    "a name of Windows": (lambda m: [*m.items(), ("assets\\..\\evil", b"x")], "must refer to a file inside"),
    "a name above, later": (lambda m: [*m.items(), ("assets/../../evil", b"x")], "must refer to a file inside"),
    "a name twice": (lambda m: [*m.items(), (CONFIG, m[CONFIG])], "must have different names"),
    "a foreign file": (lambda m: [*m.items(), ("setup.py", b"x")], "must contain only a model. Received: setup.py"),
    "no config": (lambda m: [(WEIGHTS, m[WEIGHTS])], "config.json"),
    "no weights": (lambda m: [(CONFIG, m[CONFIG])], "model.weights.h5"),
    "nothing": (lambda m: [], "must be a ZIP file, with nothing before it or after it"),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_that_is_no_model_is_refused(members, tmp_path, what):
    change, sentence = ARCHIVES[what]
    refused(write(tmp_path / "a.keras", change(members)), sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_a_bomb_is_refused_before_it_is_unpacked(members, tmp_path):
    path = write(tmp_path / "a.keras", [*members.items(), ("assets/zeros", bytes(10**7))], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    refused(path, "must not be compressed")


def weights(change):
    """An HDF5 file that a function has filled."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        change(file)
    return stream.getvalue()


def external(file):
    file.create_dataset("0", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def cycle(file):
    file.create_group("a")["b"] = file


HDF5 = {
    "a link to a file": (lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/a")), "a link, a"),
    "a link": (lambda file: file.__setitem__("a", h5py.SoftLink("/b")), "a link, a"),
    "an array elsewhere": (external, "stored uncompressed"),
    "an array that is not there": (lambda file: file.create_dataset("0", (10**9,), "f4"), "stored uncompressed"),
    "a compressed array": (
        lambda file: file.create_dataset("0", (10**6,), "f4", compression="gzip", fillvalue=1), "stored uncompressed"
    ),
    "texts": (lambda file: file.create_dataset("0", data=["a"], dtype=h5py.string_dtype()), "stored uncompressed"),
    "a cycle": (cycle, "must be arrays in groups"),
    "no weights": (lambda file: None, "could not be loaded|expected"),
}  # fmt: skip


@pytest.mark.parametrize("what", HDF5)
def test_weights_that_claim_what_they_are_not_are_refused(members, tmp_path, what):
    change, sentence = HDF5[what]
    refused(changed(tmp_path / "a.keras", members, weights=weights(change)), sentence)
