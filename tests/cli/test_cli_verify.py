import json

import pytest
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.networks import MLP
from keras_ae.run import Run


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def model():
    model = kae.Autoencoder(MLP([4]), MLP([4]), latent_dim=2)
    model.build((None, 4, 4, 1))
    return model


def test_a_line_says_that_all_is_well_and_another_what_is_not(model, tmp_path):
    kae.export.litert(model, tmp_path / "a.tflite")
    first, last = call("verify", tmp_path).stdout.splitlines()
    assert first.startswith(f"ok     {tmp_path}/a.tflite: 4 files, maximum difference from the model ")
    assert last == "1 export: all match their cards"
    said = call("verify", tmp_path, "--verbose").stdout
    assert "1 export: all match their cards" in said and "WRONG" not in said
    assert all(name in said for name in ("a.tflite.probes.npz", "maximum difference from the model", "SHA-256"))
    (tmp_path / "a.tflite").write_bytes(b"")
    said = call("verify", tmp_path, code=1).stdout
    assert "SHA-256" not in said and len(said.splitlines()) == 3
    wrong = [line for line in said.splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 2 and "file changed: it has 0 bytes" in wrong[0]
    assert "2 items are missing or wrong" in said


def test_no_export_is_a_sentence(tmp_path):
    assert "There is no export at" in call("verify", tmp_path, code=1).stderr


@pytest.mark.slow
def test_the_card_of_an_exported_run_has_its_data_training_and_metrics(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {
        "model": {"name": "vae", "likelihood": "normal"},
        "data": {"name": "digits", "split": "train[:50]", "validation_fraction": 0.1, "condition": []},
        "training": {"epochs": 3, "batch_size": 32, "learning_rate": 3e-3, "seed": 0},
    }
    metrics = {"validation": {"loss": 30.5}, "examples": {"training": 45, "validation": 5}, "protocol": "Means."}
    with Run.create(tmp_path / "run", config) as run:
        run.write_model(model)
        run.write_metrics(metrics)
    call("export", "litert", "run", "--license", "MIT")
    card = json.loads((tmp_path / "exports/tflite/run.tflite.card.json").read_text())
    assert card["data"]["dataset"] == "digits" and card["data"]["examples"] == metrics["examples"]
    assert card["training"]["epochs"] == 3 and card["training"]["model"] == config["model"]
    assert card["metrics"] == {"validation": {"loss": 30.5}, "protocol": "Means."}
    assert card["license"] == "MIT"
