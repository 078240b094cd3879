"""Commands that fill a folder for long refuse one that another process fills, and change nothing in it."""

import pytest
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.io.locking import locked
from keras_ae.run import Run

CONFIG = {
    "model": {"name": "ae", "latent_dim": 2},
    "data": {"name": "digits", "split": "train[:120]", "validation_fraction": 0.1, "condition": []},
    "training": {"epochs": 1, "batch_size": 128, "learning_rate": 1e-3, "seed": 0},
}


@pytest.fixture
def run(tmp_path):
    """A run, and an unfinished one of the same name."""
    path = tmp_path / "ae"
    model = kae.models.AE(latent_dim=2)
    model.build((None, 8, 8, 1))
    with Run.create(path, CONFIG) as whole:
        whole.write_model(model)
    with pytest.raises(RuntimeError), Run.create(path, CONFIG, overwrite=True) as partial:
        partial.write_model(model)
        raise RuntimeError
    return path


COMMANDS = {
    "train": ("ae.partial", ["train", "ae", "--out", "{run}", "--overwrite"]),
    "train_anew": ("new.partial", ["train", "ae", "--out", "{folder}/new"]),
    "train_recipe": ("new.partial", ["train", "--recipe", "vae_mnist", "--out", "{folder}/new"]),
    "resume": ("ae.partial", ["train", "--resume", "{run}"]),
    "evaluate": ("ae/evaluation", ["evaluate", "{run}", "--metrics", "reconstruction"]),
    "evaluate_again": ("ae/evaluation", ["evaluate", "{run}", "--metrics", "reconstruction", "--resume"]),
    "evaluate_seeds": ("ae-seeds/seed-1.partial", ["evaluate", "{run}", "--seeds", "2"]),
    "reproduce": ("out/seed-0.partial", ["reproduce", "vae_mnist", "--out", "{folder}/out"]),
    "quickstart": ("quick.partial", ["quickstart", "--out", "{folder}/quick"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_in_use_is_refused(run, tmp_path, name):
    folder, arguments = COMMANDS[name]
    folder = tmp_path / folder
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        before = sorted(tmp_path.rglob("*"))
        result = CliRunner().invoke(app, [text.format(run=run, folder=tmp_path) for text in arguments])
        assert result.exit_code == 1, result.output
        assert f"{folder} is in use by process" in " ".join(result.stderr.split()), result.stderr
        assert sorted(tmp_path.rglob("*")) == before


def test_what_a_killed_process_leaves_is_resumed(run):
    (run.with_name("ae.partial") / ".lock").write_text("12345")
    result = CliRunner().invoke(app, ["train", "--resume", str(run)])
    assert result.exit_code == 0, result.output
    assert not run.with_name("ae.partial").exists() and not (run / ".lock").exists()
