import json
import pathlib
import shlex

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from tiers import first
from typer.testing import CliRunner

from keras_ae import quickstart
from keras_ae.cli import export as cli_export
from keras_ae.cli.app import app
from keras_ae.run.examples import Examples


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("models", first(1, [(["cvae"],), (["ae", "vae", "cvae"],)]), ids=len)
def test_quickstart_leaves_everything_it_promises(tmp_path, monkeypatch, in_process, models):
    assert list(quickstart._MODELS) == ["ae", "vae", "cvae"]
    monkeypatch.setattr(quickstart, "_MODELS", {name: quickstart._MODELS[name] for name in models})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quickstart, "_LIKELIHOOD_EXAMPLES", 20)
    if len(models) == 1:  # the classifier that judges exports in 8 bits is trained in the run with the slow tests
        monkeypatch.setattr(cli_export, "_judges", lambda *arguments: {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    folder = tmp_path / "my quickstart"
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"command": "quickstart"}))  # of an earlier one, which it replaces
    result = call("quickstart", "--epochs", 1, "--seed", 4, "--out", "my quickstart")
    assert result.exit_code == 0, result.output
    assert [entry.name for entry in tmp_path.iterdir()] == ["my quickstart"]
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["training"]["seed"] == 4
    assert list(summary["models"]) == models
    for name, model in summary["models"].items():
        assert (folder / name / "model.keras").is_file()
        assert {"training", "validation", "test", "seconds", "examples_per_second"} <= set(model)
        for figure in model["figures"]:
            Image.open(folder / figure).verify()
    assert "cvae/figures/samples_by_condition.png" in summary["models"]["cvae"]["figures"]
    for export in summary["exports"].values():
        assert export["verified"] is True
        assert (folder / export["path"]).exists()
        assert export["largest_error"] < 1e-5
    assert summary["next"][2].startswith("keras-ae explore 'my quickstart/cvae' --install-page --live")
    # What it tells the reader to try next works as it stands.
    for command in summary["next"][:2]:
        assert command in result.stdout
        result_of_command = call(*shlex.split(command)[1:])
        assert result_of_command.exit_code == 0, result_of_command.output
    assert pathlib.Path("sevens.png").is_file()


def test_quickstart_writes_the_page_where_its_libraries_are(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(quickstart.libraries, "find", lambda: tmp_path)
    monkeypatch.setattr(quickstart.explore, "live", lambda *arguments, **options: calls.append((arguments, options)))
    x, labels = np.zeros([4, 8, 8, 1]), np.arange(4)
    assert quickstart._write_page("model", Examples(x, labels, labels), "digit", tmp_path / "page", 5, Console())
    (((model, given, fields, condition), options),) = calls
    assert model == "model" and given is x and list(fields) == ["digit"] and condition is labels
    assert options == {"out": tmp_path / "page", "seed": 5}
    command = quickstart._next_commands(tmp_path / "a b", True)[2].split("    #")[0]
    assert shlex.split(command)[-2:] == [str(tmp_path / "a b" / "page"), "8000"]


def test_quickstart_never_replaces_another_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    result = call("quickstart", "--out", tmp_path)
    assert result.exit_code == 1
    assert "is not empty, and not a quickstart" in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_quickstart_needs_labels(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros([20, 4, 4, 1], np.float32))
    result = call("quickstart", "--dataset", tmp_path / "images.npy", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert not (tmp_path / "out").exists()
