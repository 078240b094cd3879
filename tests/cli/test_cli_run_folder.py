import json
import os

import pytest

from keras_ae.run import Run, new_folder
from keras_ae.run.folder import unfinished_folder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "vae"


def old_run(path):
    with Run.create(path, {"model": "old"}):
        pass


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def test_run_records_what_was_asked_for_and_the_versions(path):
    with Run.create(path, {"training": {"seed": 3}}):
        pass
    config = Run.open(path).config
    assert config["training"] == {"seed": 3}
    assert {"keras_ae", "tensorflow", "keras", "python"} <= set(config["versions"])
    assert names(path) == ["vae"]


def test_run_has_its_name_only_when_it_is_complete(path):
    with Run.create(path, {}):
        assert names(path) == ["vae.partial"]


def test_failed_run_leaves_nothing(path):
    with pytest.raises(RuntimeError), Run.create(path, {}):
        raise RuntimeError
    assert names(path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failed_run_with_a_model_keeps_it_under_another_name(path, error):
    with pytest.raises(error), Run.create(path, {}) as run:
        (run.path / "model.keras").write_bytes(b"trained")
        raise error
    assert names(path) == ["vae.partial"]
    with (
        pytest.raises(FileExistsError, match=r"vae\.partial is an unfinished run: continue it \(--resume .*vae\)"),
        Run.create(path, {}),
    ):
        pass
    with Run.create(path, {}, overwrite=True):
        pass
    assert names(path) == ["vae"]


def test_older_run_is_refused_unless_it_is_to_be_overwritten(path):
    old_run(path)
    with pytest.raises(FileExistsError, match="--overwrite"), Run.create(path, {}):
        pass
    with Run.create(path, {"model": "new"}, overwrite=True):
        assert Run.open(path).config["model"] == "old"
    assert Run.open(path).config["model"] == "new"
    assert names(path) == ["vae"]


def test_failure_leaves_the_older_run(path):
    old_run(path)
    with pytest.raises(RuntimeError), Run.create(path, {}, overwrite=True):
        raise RuntimeError
    assert Run.open(path).config["model"] == "old"
    assert names(path) == ["vae"]


def test_folder_that_is_no_run_is_never_replaced(path):
    path.mkdir(parents=True)
    (path / "thesis.tex").write_text("years")
    with pytest.raises(FileExistsError, match="not empty, and not a run"), Run.create(path, {}, overwrite=True):
        pass
    assert (path / "thesis.tex").read_text() == "years"


def test_run_with_files_of_the_user_is_never_replaced(path):
    old_run(path)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"), Run.create(path, {}, overwrite=True):
        pass


@pytest.mark.parametrize(("name", "reason"), [("file/run", "is a file, not a folder"), ("x" * 300, "name too long")])
def test_a_place_where_no_folder_can_be_is_named(tmp_path, name, reason):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=reason) as caught, Run.create(tmp_path / name, {}):
        pass
    assert str(caught.value).startswith(f"{tmp_path / name} could not be written: ")


def test_empty_folder_is_filled(path):
    path.mkdir(parents=True)
    with Run.create(path, {}):
        pass
    assert (path / "config.json").is_file()


def test_current_folder_and_links_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileExistsError, match="current"), Run.create(".", {}):
        pass
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    with pytest.raises(FileExistsError, match="exists and is not a folder"), Run.create(tmp_path / "link", {}):
        pass


def test_missing_and_damaged_runs_are_named(path):
    with pytest.raises(FileNotFoundError, match="There is no run"):
        Run.open(path)
    path.mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"no config\.json"):
        Run.open(path)
    (path / "config.json").write_text("{half")
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        Run.open(path)
    (path / "config.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(ValueError, match="must have format 1"):
        Run.open(path)


def test_run_without_a_model_is_named(path):
    old_run(path)
    with pytest.raises(FileNotFoundError, match="has no model"):
        Run.open(path).model()


def test_numbers_that_are_not_finite_are_null(path):
    with Run.create(path, {}) as run:
        run.write_history({"loss": [float("nan"), 1.0]})
    assert Run.open(path).history == {"loss": [None, 1.0]}


def test_folder_of_somebody_else_beside_the_run_is_left_alone(tmp_path):
    (tmp_path / "run.partial").mkdir()
    (tmp_path / "run.partial" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"run\.partial is not empty"), new_folder(tmp_path / "run", kind="run"):
        pass
    assert (tmp_path / "run.partial" / "thesis.txt").read_text() == "mine"


def test_what_appears_at_the_place_of_a_run_meanwhile_is_left_alone(tmp_path):
    with pytest.raises(FileExistsError, match="is not empty"), new_folder(tmp_path / "run", kind="run"):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "mine.txt").write_text("mine")
    assert (tmp_path / "run" / "mine.txt").read_text() == "mine"


def killed_while_writing(path):
    """What is left of a file that was being written, as `writing.replacing` names it."""
    left = path.with_name("run.partial") / ".config.ab12cd34.writing"
    left.mkdir(parents=True)
    (left / "config.json").write_text("{")
    return left


@pytest.mark.parametrize("resume", [False, True])
def test_half_written_files_of_a_killed_run_are_removed(tmp_path, resume):
    left = killed_while_writing(tmp_path / "run")
    if resume:
        (left.parent / "config.json").write_text("{}")
    with (
        unfinished_folder(tmp_path / "run", kind="run")
        if resume
        else new_folder(tmp_path / "run", kind="run") as folder
    ):
        assert not left.exists() and folder == left.parent
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]
