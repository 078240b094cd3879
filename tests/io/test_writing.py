"""What a writer leaves: all of it or nothing, after errors, kills, and on systems without locks."""

import errno
import importlib.util
import os
import pathlib
import sys
import tempfile

import pytest

from keras_ae.io import writing
from keras_ae.io.json_files import write_json
from keras_ae.io.paths import inside


@pytest.mark.parametrize("name", ["a", "a.txt", "b/a.txt", "..a", "a b", "ä"])
def test_a_name_inside_a_folder_is_taken(tmp_path, name):
    assert inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/a", "../a", "a/../../b", "a/..", "./a", "a//b", "a/", "\\a", "..\\a", "a\0b", None, 3],
)
def test_a_name_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="A name must refer to a file inside its folder"):
        inside(tmp_path, name)


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
            write_json(tmp_path / "note.json", {})
    assert str(caught.value) == f"{tmp_path / 'note.json'} could not be written: {os.strerror(number)}"
    assert caught.value.errno == number and type(caught.value) is type(OSError(number, ""))
    assert os.listdir(tmp_path) == ["note.json"] and (tmp_path / "note.json").read_text() == "old"


@pytest.mark.parametrize("name", ["file/note.json", "file/b/note.json"])
def test_a_file_where_a_folder_must_be_is_named(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="could not be written") as caught:
        write_json(tmp_path / name, {})
    sentence = f"{tmp_path / name} could not be written: {tmp_path / 'file'} is a file, not a folder"
    assert str(caught.value) == sentence


def test_other_errors_while_a_file_is_written_are_left_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^There is no such thing$"), writing.replacing(tmp_path / "a"):
        raise FileNotFoundError("There is no such thing")


class Killed(BaseException):
    """Stands for a kill: nothing after it runs."""


@pytest.fixture(params=["with locks", "without locks"])
def writer(request, monkeypatch):
    """The module as it is, and as it is where `fcntl` is missing, as on Windows."""
    if request.param == "with locks":
        pytest.importorskip("fcntl")
        return writing
    monkeypatch.setitem(sys.modules, "fcntl", None)
    spec = importlib.util.spec_from_file_location("writing_without_locks", writing.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.fcntl is None
    return module


def fill(folder, content):
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(content)
    return folder


def contents(folder, names=("a", "b")):
    return {(folder / name).read_text() for name in names}


def kill_at(monkeypatch, writer, step):
    """The process dies before it changes a name for the time `step`; nothing that would mend it runs."""
    count = 0

    def dying(function):
        def change(*names):
            nonlocal count
            if count == step:
                monkeypatch.setattr(writer, "_recover", lambda path: None)
                raise Killed
            count += 1
            function(*names)

        return change

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, dying(getattr(os, name)))


@pytest.mark.parametrize("step", range(3))
def test_a_kill_at_any_step_leaves_the_old_folder_or_the_new_one(tmp_path, monkeypatch, writer, step):
    place, new = fill(tmp_path / "place", "old"), fill(tmp_path / "new", "new")
    with monkeypatch.context() as patch:
        kill_at(patch, writer, step)
        try:
            writer.publish_folder(new, place)
        except Killed:
            assert step < 2
    writer.recover(place)
    assert contents(place) == {"new" if step == 2 else "old"}
    assert sorted(os.listdir(tmp_path)) == (["place"] if step == 2 else ["new", "place"])


@pytest.mark.parametrize("step", range(4))
def test_a_kill_at_any_step_leaves_the_old_files_or_the_new_ones(tmp_path, monkeypatch, writer, step):
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    new = fill(tmp_path / "new", "new")
    with monkeypatch.context() as patch:
        kill_at(patch, writer, step)
        try:
            writer.publish_files(new, tmp_path / "a")
        except Killed:
            assert step < 3
    writer.recover_all(tmp_path)
    assert contents(tmp_path) == {"new" if step else "old"}
    assert sorted(os.listdir(tmp_path)) == (["a", "b"] if step else ["a", "b", "new"])


@pytest.mark.parametrize("link", [False, True])
def test_a_folder_takes_the_place_of_another_and_of_what_a_kill_left(tmp_path, writer, link):
    place, new = tmp_path / "place", fill(tmp_path / "new", "new")
    fill(tmp_path / ".place.replaced", "older")
    if link:
        place.symlink_to(fill(tmp_path / "old", "old"))
    else:
        fill(place, "old")
    writer.publish_folder(new, place)
    assert contents(place) == {"new"} and not place.is_symlink()
    assert sorted(os.listdir(tmp_path)) == (["old", "place"] if link else ["place"])


def test_a_folder_that_cannot_take_a_place_leaves_the_one_there(tmp_path, writer):
    place = fill(tmp_path / "place", "old")
    with pytest.raises(FileNotFoundError):
        writer.publish_folder(tmp_path / "gone", place)
    assert contents(place) == {"old"} and os.listdir(tmp_path) == ["place"]


def test_the_next_writer_of_a_name_removes_what_a_killed_one_left_and_no_other(tmp_path, writer):
    for name in (".a.txt.ab12cd34.writing", ".b.txt.ab12cd34.writing"):
        fill(tmp_path / name, "half")
    with writer.replacing(tmp_path / "a.txt") as first, writer.replacing(tmp_path / "a.txt") as second:
        for path in (first, second):  # the folder of a writer that lives stays
            path.write_text("whole")
    found = sorted(os.listdir(tmp_path))
    assert found == [".a.txt.ab12cd34.writing"] * (writer.fcntl is None) + [".b.txt.ab12cd34.writing", "a.txt"]
    writer.remove_unfinished(tmp_path)
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_writer_may_call_another_one(tmp_path, writer):
    with writer.replacing(tmp_path / "a.txt") as first, writer.replacing(first) as second:
        second.write_text("whole")
    assert os.listdir(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "whole"


def test_a_file_that_fails_leaves_no_new_folders(tmp_path, writer):
    with pytest.raises(KeyError), writer.replacing(tmp_path / "b" / "c" / "a.txt"):
        raise KeyError
    assert os.listdir(tmp_path) == []
