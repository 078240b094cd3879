"""Data of which some labels are unknown (-1), on the command line."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.export import _classifier, _held_out, _judges
from keras_ae.run import Run
from keras_ae.run.examples import Examples
from keras_ae.training.progress import ProgressBar

RNG = np.random.default_rng(0)
X = RNG.random((60, 3, 3, 1), dtype=np.float32)
LABELS = np.where(np.arange(60) % 3 == 0, RNG.integers(0, 4, 60), -1)
WATCHED = np.sort(np.random.default_rng(0).permutation(60)[:18])  # 0.3 of them, for validation
FORMS = {  # how a file gives labels
    "y": lambda labels: {"y": labels},
    "properties": lambda labels: {"digit": labels, "slant": np.linspace(-1, 1, 60, dtype="float32")},
}
M2 = ["semi_supervised_vae", "--set", "classifier.hidden=[4]"]


@pytest.fixture(autouse=True)
def _without_xla(monkeypatch):
    """It takes longer to compile than such a training takes."""
    monkeypatch.setattr(kae.Autoencoder, "_prefers_xla", False)
    monkeypatch.setattr(kae.models.SemiSupervisedVAE, "_prefers_xla", False)


def train(folder, form, *more, code=0, labels=None):
    np.savez(folder / "data.npz", x=X, **FORMS[form](LABELS if labels is None else labels))
    small = ["--epochs", 2, "--validation-fraction", 0.3, "--latent-dim", 2, "--set", "encoder.hidden=[4]"]
    arguments = ["train", *small, "--dataset", folder / "data.npz", "--out", folder / "run", *more]
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    return result


def check_run(path, name):
    assert {entry.name for entry in path.iterdir()} == {
        "config.json", "model.keras", "history.json", "metrics.json", "figures"
    }  # fmt: skip
    pictures = {entry.stem for entry in (path / "figures").glob("*.png")}
    assert {"training", "reconstructions", "map", "samples"} <= pictures
    assert Run.open(path).config["data"]["condition"] == name
    assert len(json.loads((path / "history.json").read_text())["val_loss"]) == 2


@pytest.mark.slow
def test_m2_learns_from_unknown_labels_and_is_drawn_and_judged_with_known_ones(tmp_path):
    train(tmp_path, "y", *M2)
    check_run(tmp_path / "run", ["label"])
    run, model = Run.open(tmp_path / "run"), kae.load(tmp_path / "run/model.keras")
    assert model.num_classes == 4
    x, condition = _held_out(run, model)
    known = WATCHED[LABELS[WATCHED] >= 0]
    assert 0 < len(known) < len(WATCHED)
    np.testing.assert_array_equal(x, X[known])
    np.testing.assert_array_equal(condition, LABELS[known])
    np.testing.assert_array_equal(_judges(run, model, False)["examples"][1], LABELS[LABELS >= 0])


@pytest.mark.slow
def test_an_interrupted_training_with_an_unknown_property_goes_on(tmp_path, monkeypatch):
    def interrupt(self, epoch, logs=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_epoch_end", interrupt)
        train(tmp_path, "properties", *M2, code=130)
    result = CliRunner().invoke(app, ["train", "--resume", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    check_run(tmp_path / "run", ["digit"])


@pytest.mark.slow
def test_known_examples_fit_a_sampler_and_are_drawn_where_none_that_is_watched_is_known(tmp_path):
    sampler = ["--set", "sampler=gaussian_mixture", "--set", "sampler.components=2"]
    labels = LABELS.copy()
    labels[WATCHED] = -1
    train(tmp_path, "properties", *M2, *sampler, "--condition", "digit,slant", labels=labels)
    check_run(tmp_path / "run", ["digit", "slant"])
    assert kae.load(tmp_path / "run/model.keras").sampler.num_codes == (labels >= 0).sum()


@pytest.mark.parametrize("form", FORMS)
def test_a_model_that_needs_known_labels_refuses_others_before_it_learns(tmp_path, form):
    result = train(tmp_path, form, "cvae", code=1)
    assert "must hold labels in [0, 4). Received: -1 at row" in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.npz"]


def test_a_label_that_is_never_known_is_refused(tmp_path):
    result = train(tmp_path, "y", *M2, labels=np.full(60, -1), code=1)
    assert "`label` must be known for at least one example. Received: no label >= 0" in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.npz"]


@pytest.mark.slow
@pytest.mark.parametrize("labels", [np.full(60, -1), LABELS], ids=["none", "some"])
def test_a_model_without_a_condition_needs_no_labels(tmp_path, labels):
    train(tmp_path, "y", "vae", labels=labels)
    check_run(tmp_path / "run", [])


def test_a_classifier_learns_from_known_labels(monkeypatch, tmp_path):
    given = []
    monkeypatch.setattr(kae.evaluate, "train_classifier", lambda *arrays, **options: given.extend(arrays))
    _classifier(Examples(X, labels=LABELS))
    np.testing.assert_array_equal(given[1], LABELS[LABELS >= 0])
    np.testing.assert_array_equal(given[0], X[LABELS >= 0])
