import errno
import os
import pathlib
import tempfile

import pytest

from keras_ae.io import files


@pytest.mark.parametrize("name", ["a", "a.txt", "b/a.txt", "..a", "a b", "ä"])
def test_a_name_inside_a_folder_is_taken(tmp_path, name):
    assert files.inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/a", "../a", "a/../../b", "a/..", "./a", "a//b", "a/", "\\a", "..\\a", "a\0b", None, 3],
)
def test_a_name_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="A name must be that of a file inside its folder"):
        files.inside(tmp_path, name)


@pytest.mark.parametrize(
    ("owner", "function", "number"),
    [
        (pathlib.Path, "mkdir", errno.EACCES),
        (tempfile, "mkdtemp", errno.EROFS),
        (pathlib.Path, "write_text", errno.ENOSPC),
        (os, "fsync", errno.EIO),
        (os, "replace", errno.EPERM),
    ],
)
def test_errors_of_the_system_name_the_file_that_was_asked_for(tmp_path, monkeypatch, owner, function, number):
    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number), str(tmp_path / ".note.ab12cd34.writing"))

    (tmp_path / "note.json").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(owner, function, fail)
        with pytest.raises(OSError, match="could not be written") as caught:
            files.write_json(tmp_path / "note.json", {})
    assert str(caught.value) == f"{tmp_path / 'note.json'} could not be written: {os.strerror(number)}"
    assert caught.value.errno == number and type(caught.value) is type(OSError(number, ""))
    assert os.listdir(tmp_path) == ["note.json"] and (tmp_path / "note.json").read_text() == "old"


@pytest.mark.parametrize("name", ["file/note.json", "file/b/note.json"])
def test_a_file_where_a_folder_must_be_is_named(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="could not be written") as caught:
        files.write_json(tmp_path / name, {})
    sentence = f"{tmp_path / name} could not be written: {tmp_path / 'file'} is a file, not a folder"
    assert str(caught.value) == sentence


def test_other_errors_while_a_file_is_written_are_left_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^There is no such thing$"), files.replacing(tmp_path / "a"):
        raise FileNotFoundError("There is no such thing")


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:  # as on a system that cannot do that
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    files.move_into_place(tmp_path / "new", tmp_path / "old")
    assert os.listdir(tmp_path) == ["old"] and (tmp_path / "old" / "file").read_text() == "new"


def test_there_is_no_moment_without_a_folder(tmp_path, monkeypatch):
    """On Linux; elsewhere two renames have to do."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    if not files._exchange(tmp_path / "new", tmp_path / "old"):
        pytest.skip("this file system cannot exchange names")

    def rename(*names):
        raise AssertionError("a rename, after which the folder is gone for a moment")

    monkeypatch.setattr(os, "replace", rename)
    files.move_into_place(tmp_path / "new", tmp_path / "old")
    assert os.listdir(tmp_path) == ["old"]
