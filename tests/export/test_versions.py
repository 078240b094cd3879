"""Exports under the next free number, and places that cannot be written."""

import errno
import json
import pathlib
import shutil
import sys
import tempfile
import threading

import pytest

import keras_ae as kae
from keras_ae.export.signatures.server import ServerSignatures
from keras_ae.export.signatures.signature import write as write_files
from keras_ae.io.writing import publish_version

MODULE = "keras_ae.export.saved_model"


@pytest.fixture(scope="module")
def vae(small):
    return small()


@pytest.fixture(scope="module")
def files(vae, tmp_path_factory):
    """A SavedModel, which takes a second to be traced."""
    folder = tmp_path_factory.mktemp("files") / "1"
    write_files(folder, ServerSignatures(vae, 8).all())
    return folder


@pytest.fixture
def unverified(files, monkeypatch):
    """Exports of the same files, at which no other process looks. What it is to do meanwhile may be given to it."""
    sequel = []
    monkeypatch.setattr(sys.modules[MODULE], "write", lambda folder, signatures: shutil.copytree(files, folder))

    def compare(kind, artifact, probes, workspace, **options):
        for function in sequel:
            function()
        return {"signatures": {}, "errors": {}, "latency": {}}

    monkeypatch.setattr(sys.modules[MODULE], "compare", compare)
    return sequel


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_version_is_the_number_after_the_largest(vae, tmp_path, unverified):
    folder = tmp_path / "models" / "cvae"
    for number in ("1", "2"):
        card = kae.export.saved_model(vae, folder, version="next")
        assert card.path == folder / number and (card.path / "saved_model.pb").is_file()
    (folder / "9").mkdir()
    (folder / "10.card.json").touch()
    (folder / "12 days").mkdir()
    assert kae.export.saved_model(vae, folder, version="next").path == folder / "10"
    assert names(folder) == ["1", "10", "10.card.json", "12 days", "2", "9"]


def test_a_number_that_was_taken_meanwhile_is_left_alone(vae, tmp_path, unverified):
    def another():
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "saved_model.pb").write_text("another")

    unverified.append(another)
    card = kae.export.saved_model(vae, tmp_path, version="next")
    assert json.loads((tmp_path / "2" / "assets.extra" / "card.json").read_text())["path"] == "2"
    assert card.path == tmp_path / "2" and (tmp_path / "1" / "saved_model.pb").read_text() == "another"
    assert names(tmp_path) == ["1", "2"]


def test_folders_that_are_moved_at_once_get_a_number_each(tmp_path):
    start, places = threading.Barrier(8), {}
    models = tmp_path / "models"
    models.mkdir()

    def move(number):
        folder = tmp_path / f"made-{number}"
        folder.mkdir()
        (folder / "saved_model.pb").write_text(str(number))
        start.wait()
        places[number] = publish_version(folder, models, lambda place: place)

    threads = [threading.Thread(target=move, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(models) == sorted(str(number + 1) for number in range(8))
    assert {number: int((place / "saved_model.pb").read_text()) for number, place in places.items()} == {
        number: number for number in range(8)
    }


def test_a_race_for_a_number_is_won_by_one_and_the_other_takes_the_next(tmp_path, monkeypatch):
    """The one that comes second has looked before the first was there."""
    made, models = tmp_path / "made", tmp_path / "models"
    for folder in (made, models / "1"):
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_text(folder.name)
    listings = iter([iter([])])
    look = pathlib.Path.iterdir
    monkeypatch.setattr(pathlib.Path, "iterdir", lambda path: next(listings, None) or look(path))
    tried = []
    publish_version(made, models, tried.append)
    assert tried == [models / "1", models / "2"]
    assert [(models / number / "saved_model.pb").read_text() for number in ("1", "2")] == ["1", "made"]


@pytest.mark.parametrize("name", ["7", "model"])
def test_the_folder_of_a_version_is_not_one_of_versions(vae, tmp_path, name):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").touch()
    with pytest.raises(ValueError, match=r'`directory` must be the folder of all versions, .* for version="next"'):
        kae.export.saved_model(vae, tmp_path / name, version="next")


def test_a_version_that_is_no_word_is_refused(vae, tmp_path):
    with pytest.raises(ValueError, match=r'`version` must be "next" or None\. Received: version=3'):
        kae.export.saved_model(vae, tmp_path, version=3)


def refusing(number):
    def refuse(*arguments, **options):
        raise OSError(number, "as the system says it")

    return refuse


@pytest.mark.parametrize("arguments", [{}, {"version": "next"}], ids=["exact", "versions"])
@pytest.mark.parametrize(
    ("place", "attribute", "number", "sentence"),
    [
        (tempfile, "mkdtemp", errno.EROFS, "Read-only file system"),
        (tempfile, "mkdtemp", errno.EACCES, "Permission denied"),
        (MODULE, "write", errno.ENOSPC, "No space left on device"),
    ],
    ids=["read-only", "forbidden", "full"],
)
def test_a_place_that_cannot_be_written_is_named_and_left_as_it_was(
    vae, tmp_path, monkeypatch, unverified, arguments, place, attribute, number, sentence
):
    (tmp_path / "old").mkdir()
    monkeypatch.setattr(sys.modules.get(place, place), attribute, refusing(number))
    target = tmp_path / "models" / "cvae"
    with pytest.raises(OSError, match=rf"models/cvae.* could not be written, and nothing was changed: {sentence}"):
        kae.export.saved_model(vae, target, **arguments)
    assert names(tmp_path) == ["old"]


def test_a_disk_that_is_full_in_the_midst_leaves_no_part(vae, tmp_path, monkeypatch, unverified):
    def write_some(directory, signatures):
        write_files(directory, signatures[:1])
        raise OSError(errno.ENOSPC, "as the system says it")

    monkeypatch.setattr(sys.modules[MODULE], "write", write_some)
    with pytest.raises(OSError, match="nothing was changed: No space left on device"):
        kae.export.saved_model(vae, tmp_path / "1")
    assert names(tmp_path) == []
