"""The config.json of a run, which may be untrusted."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.run import Run
from keras_ae.run.recording import complete
from keras_ae.run.training import trained_run

CONFIG = {
    "model": {"name": "vae", "latent_dim": 2},
    "data": {"name": "digits", "split": "train[:60]", "validation_fraction": 0.1, "condition": []},
    "training": {"epochs": 1, "batch_size": 32, "learning_rate": 3e-3, "seed": 0, "devices": 1},
}
METRICS = {"training": {"loss": 30.5}, "examples": {"training": 54, "validation": 6}, "protocol": "Means."}


@pytest.fixture
def run(tmp_path):
    with Run.create(tmp_path / "run", {**CONFIG, "command": None}) as run:
        run.write_metrics(METRICS)
    return Run.open(tmp_path / "run")


def rewrite(run, **changes):
    path = run.path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_config_may_leave_settings_to_the_training(run, tmp_path):
    """So a training that was killed before it had read its data can be resumed."""
    training = {"epochs": 1, "seed": 0, "devices": 1, "optimizer": "auto"}
    rewrite(run, training=training)
    assert run.recipe["training"] == training
    for _ in range(2):  # the second finds the first
        trained = trained_run(tmp_path / "trained", {**CONFIG, "training": dict(training)})
        found = trained.recipe["training"]
        assert found == {**training, "optimizer": "muon", "batch_size": 128, "learning_rate": 0.02}
    with pytest.raises(FileExistsError, match="has another recipe"):
        trained_run(tmp_path / "trained", {**CONFIG, "training": {**training, "optimizer": "adam"}})


@pytest.mark.parametrize(
    "width, num, given, expected",
    [
        (400, 29_999, {"optimizer": "auto"}, ("muon", 128, 0.02)),
        (400, 30_000, {"optimizer": "auto"}, ("muon", 512, 0.02)),
        (401, 30_000, {"optimizer": "auto"}, ("adam", 128, 3e-3)),
        (401, 30_000, {"optimizer": "muon", "batch_size": 7}, ("muon", 7, 0.02)),
        (4, 30_000, {"learning_rate": 0.1}, ("adam", 128, 0.1)),  # a file of an older version names no optimizer
    ],
)
def test_the_optimizer_suits_the_width_of_the_layers_and_the_batch_the_number_of_examples(width, num, given, expected):
    model = kae.models.AE(kae.networks.MLP([width]), kae.networks.MLP([4]), latent_dim=2)
    model.build((None, 500))
    training = {"epochs": 1, **given}
    complete(training, model, num)
    assert (training.get("optimizer", "adam"), training["batch_size"], training["learning_rate"]) == expected


def test_models_with_a_discriminator_are_trained_by_adam():
    model = kae.models.AdversarialAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.build((None, 5))
    training = {"optimizer": "auto", "epochs": 1}
    complete(training, model, 100)
    assert training == {"optimizer": "adam", "epochs": 1, "batch_size": 128, "learning_rate": 3e-3}


@pytest.mark.parametrize("epochs, expected", [(67, 128), (68, 512)])  # 59 steps of 512 examples in an epoch
def test_a_warm_up_takes_at_most_half_of_the_steps_of_large_batches(epochs, expected):
    model = kae.models.AnnealedVAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.build((None, 5))
    assert model.objective.warm_up == 2_000
    training = {"optimizer": "auto", "epochs": epochs}
    complete(training, model, 30_000)
    assert training["batch_size"] == expected


def test_the_run_describes_itself_for_a_card(run):
    rewrite(run, command=["keras-ae", "train", "vae", "--split", "train[:60]"])
    details = run.details
    assert details["data"]["dataset"] == "digits" and details["data"]["examples"] == METRICS["examples"]
    assert details["training"]["command"] == "keras-ae train vae --split 'train[:60]'"
    assert details["training"]["model"] == CONFIG["model"] and details["training"]["epochs"] == 1
    assert details["metrics"] == {"training": {"loss": 30.5}, "protocol": "Means."}


def test_what_a_run_does_not_know_is_said(run):
    (run.path / "metrics.json").unlink()
    assert run.details["metrics"] == {} and run.details["data"]["examples"] == "unknown"
    assert run.details["training"]["command"] == "unknown"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "vae"}, r"config\.json must have a dictionary `model`\. Received: 'vae'"),
        ({"data": None}, r"config\.json must have a dictionary `data`"),
        ({"training": {**CONFIG["training"], "epochs": "all"}}, r"an integer as `training\.epochs`\. Rec"),
        ({"training": {**CONFIG["training"], "seed": True}}, r"an integer as `training\.seed`"),
        ({"data": {**CONFIG["data"], "condition": [1]}}, r"a list of strings as `data\.condition`\. Received: \[1\]"),
        ({"data": {"name": "digits"}}, r"a string as `data\.split`\. Received: None"),
    ],
)
def test_an_invalid_config_is_refused(run, changes, sentence):
    rewrite(run, **changes)
    with pytest.raises(ValueError, match=sentence):
        _ = run.recipe


def test_a_random_change_of_a_config_never_ends_in_another_error(run):
    rng, content = np.random.default_rng(0), json.loads((run.path / "config.json").read_text())
    values = [None, 0, -1, True, "", "../x", [], {}, [[]], 10**40, {"a": {}}, 1e308]
    refused = 0
    for number in range(200):
        config = json.loads(json.dumps(content))
        tables = [config, config["model"], config["data"], config["training"]]
        table = tables[rng.integers(len(tables))]
        table[str(rng.choice(sorted(table)))] = values[rng.integers(len(values))]
        text = json.dumps(config)
        (run.path / "config.json").write_text(text if number % 5 else text[: rng.integers(len(text))])
        try:
            _ = Run.open(run.path).details
        except ValueError as error:
            refused += 1
            assert "config.json" in str(error)
    assert refused > 50


def test_a_config_with_a_size_that_no_machine_has_is_a_sentence(run, tmp_path):
    run.path.rename(tmp_path / "run.partial")
    partial = Run(tmp_path / "run.partial")
    rewrite(partial, model={"name": "vae", "latent_dim": 10**9})
    result = CliRunner().invoke(app, ["train", "--resume", str(tmp_path / "run")])
    assert result.exit_code == 1
    assert "`latent_dim` must be a positive integer, 1048576 at most. Received: latent_dim=1000000000" in result.stderr


def test_the_command_of_a_card_is_the_one_that_began_the_run(run):
    rewrite(run, command=["keras-ae", "train", "vae"])
    run.write_config(run.config)  # as a resumed training does
    assert run.config["command"] == ["keras-ae", "train", "vae"]


def test_a_run_without_a_name_has_no_default_place(run, monkeypatch):
    monkeypatch.setattr(Run, "name", "")  # as that of a run in the root of a disk
    result = CliRunner().invoke(app, ["export", "saved-model", str(run.path)])
    assert result.exit_code == 1 and "A name must refer to a file inside its folder" in result.stderr
