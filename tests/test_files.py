import os

import pytest

from keras_ae import files


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
