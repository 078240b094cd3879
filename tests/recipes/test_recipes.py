"""The recipes of the released models, and what is said of a reproduction."""

import functools
import inspect
import json

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.evaluate import METRICS, detection_metrics
from keras_ae.recipes import Claim, Recipe, detector_recipe
from keras_ae.recipes.detector_recipe import METRIC, auroc
from keras_ae.recipes.recipe import names
from keras_ae.recipes.release import release
from keras_ae.recipes.reproduce import reproduce
from keras_ae.run import Run
from keras_ae.run.assembly import arguments, find_model
from keras_ae.run.config import DETECTOR, check_recipe
from keras_ae.run.examples import Examples
from keras_ae.run.recording import optimizer
from keras_ae.run.training import trained_run


@pytest.mark.parametrize("name", names())
def test_recipes_name_models_settings_and_metrics_that_there_are(name):
    recipe = Recipe.open(name)
    check_recipe(recipe.config, name)
    settings = dict(recipe.config["model"])
    kind = settings.pop("name")
    if kind == DETECTOR:
        assert set(settings) <= set(inspect.signature(kae.outliers.OutlierDetector).parameters)
        assert set(recipe.measure) == {METRIC}
    else:
        taken = arguments(find_model(kind))
        assert {key.split(".")[0] for key in settings} <= {*taken, "beta"}  # short for objective.beta
        for metric, options in recipe.measure.items():
            METRICS[metric].check_options(options)
    assert {claim.measurement.split(".")[0] for claim in recipe.claims} <= set(recipe.measure)
    assert "test" not in recipe.config["data"]["split"]


def test_every_preset_has_its_recipe():
    assert set(kae.presets()) <= set(names())


def test_verdicts():
    claim = Claim("log_likelihood", target=-86.0, paper=-87.0, tolerance=0.5)
    assert claim.verdict(-85.9) == "target reached, paper reproduced"
    assert claim.verdict(-87.5) == "target missed, paper reproduced"
    assert claim.verdict(-87.6) == "target missed, paper not reproduced"
    error = Claim("slant", target=5.0, better="lower")
    assert [error.verdict(value) for value in (5.0, 5.1)] == ["target reached", "target missed"]
    assert Claim("slant.floor").verdict(1.0) == ""
    assert Claim("e", 1.0, paper=2.0, tolerance=0.5, better="lower").verdict(2.5).endswith("paper reproduced")


def test_wrong_recipes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Did you mean"):
        Recipe.open("vae_mnis")
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"summary": "a"}))
    with pytest.raises(ValueError, match="must have a dict as `model`"):
        Recipe.open(str(path))


def test_another_seed_changes_nothing_else():
    recipe = Recipe.open(names()[0])
    config = recipe.with_seed(5)
    assert config["training"].pop("seed") == 5
    expected = recipe.with_seed(0)
    del expected["training"]["seed"]
    assert config == expected


def test_few_labels_are_kept_in_equal_numbers():
    labels = np.repeat(np.arange(4), 10)
    found = Examples(np.zeros([40, 2]), labels, labels).with_labels_of(8, seed=0)
    known = found.condition >= 0
    assert np.bincount(found.condition[known]).tolist() == [2] * 4 and known.sum() == 8
    np.testing.assert_array_equal(found.condition[known], labels[known])
    with pytest.raises(ValueError, match="`known_labels` must be a multiple of 4"):
        Examples(np.zeros([40, 2]), labels).with_labels_of(7, seed=0)


def test_copies_of_examples_with_known_labels():
    x = np.random.default_rng(0).random((6, 3))
    given = Examples(x, np.array([3, -1, -1, 7, -1, -1]), np.arange(6))
    found = given.with_known_copies(2)
    assert found.condition.tolist() == [*given.condition, 3, 3, 7, 7]
    assert found.labels.tolist() == [*range(6), 0, 0, 3, 3]
    np.testing.assert_array_equal(found.x, x[found.labels])


@pytest.fixture
def tiny(tmp_path):
    recipe = {
        "summary": "A tiny one",
        "model": {"name": "vae", "latent_dim": 2, "encoder": "mlp", "encoder.hidden": [8]},
        "data": {
            "name": "digits", "split": "train[:100]", "validation_fraction": 0.0, "condition": [], "binarize": "fresh"
        },
        "training": {"epochs": 2, "batch_size": 50, "learning_rate": 0.001, "seed": 0},
        "measure": {"elbo": {"num_samples": 1}},
        "claims": [{"measurement": "elbo", "target": -1.0}, {"measurement": "knn_accuracy.codes", "target": 1.0}],
    }  # fmt: skip
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(recipe))
    return Recipe.open(str(path))


@pytest.mark.slow
def test_reproduction_continues_and_its_release_verifies(tiny, tmp_path, monkeypatch, in_process):
    found = reproduce(tiny, tmp_path / "out", seeds=2)
    row = found.results["elbo"]
    assert row["verdict"] == "target missed" and len(row["seeds"]) == 2 and row["ours"] < 0
    assert found.results["knn_accuracy.codes"]["verdict"].startswith("not measured")
    written = (tmp_path / "out/seed-0/model.keras").stat().st_mtime_ns
    again = reproduce(tiny, tmp_path / "out", seeds=2)
    assert again.results == found.results
    assert (tmp_path / "out/seed-0/model.keras").stat().st_mtime_ns == written
    release(found, tmp_path / "tiny")
    assert kae.from_preset(tmp_path / "tiny", verify=True).latent_dim == 2
    assert (tmp_path / "tiny/samples.png").is_file()
    assert "elbo" in (tmp_path / "tiny/README.md").read_text()


def test_a_recipe_starts_from_the_model_of_another_which_is_trained_first(tiny, tmp_path, in_process):
    """With a learning rate of nearly 0, it is the other model."""
    config = json.loads((tmp_path / "tiny.json").read_text())
    config["model"] |= {"name": "iwae", "num_samples": 2}
    config["training"] |= {"epochs": 1, "learning_rate": 1e-30, "start_from": str(tmp_path / "tiny.json")}
    (tmp_path / "second.json").write_text(json.dumps(config))
    found = reproduce(Recipe.open(str(tmp_path / "second.json")), tmp_path / "out/second")
    source = Run.open(tmp_path / "out/tiny/seed-0")
    assert found.runs[0].recipe["training"]["start_from"] == source.path.as_posix()
    for mine, before in zip(found.runs[0].model().weights, source.model().weights, strict=True):
        np.testing.assert_array_equal(mine, before)


def test_a_model_does_not_start_from_other_weights(tiny, tmp_path, in_process):
    tiny.config["training"]["epochs"] = 1
    reproduce(tiny, tmp_path / "out")
    config = {**tiny.with_seed(0), "model": {**tiny.config["model"], "decoder": "gated_mlp"}}
    config["training"]["start_from"] = str(tmp_path / "out/seed-0")
    with pytest.raises(ValueError, match="`start_from` must be a run of a model with the same networks"):
        trained_run(tmp_path / "other", config)


@pytest.mark.slow
def test_the_recipe_of_a_detector(tmp_path, in_process):
    recipe = {
        "summary": "A tiny detector",
        "model": {"name": "outlier_detector"},
        "data": {"name": "strokes", "split": "train[:300]", "validation_fraction": 0.0, "condition": []},
        "training": {"epochs": 1, "batch_size": 64, "seed": 0},
        "measure": {"auroc": {"num": 100}},
        "claims": [{"measurement": "auroc.blank", "target": 0.9}, {"measurement": "auroc.nothing", "target": 0.9}],
    }
    (tmp_path / "tiny.json").write_text(json.dumps(recipe))
    recipe = Recipe.open(str(tmp_path / "tiny.json"))
    found = reproduce(recipe, tmp_path / "out", seeds=2)
    assert found.results["auroc.blank"]["verdict"] == "target reached"
    assert len(found.results["auroc.blank"]["seeds"]) == 2
    assert found.results["auroc.nothing"]["verdict"].startswith("not measured")
    release(found, tmp_path / "tiny")
    detector = kae.from_preset(tmp_path / "tiny", verify=True)
    x = kae.datasets.load("strokes", "test[:20]")[0]
    np.testing.assert_allclose(detector.score_samples(x), found.runs[0].detector().score_samples(x), rtol=0.02)
    assert len(found.runs[0].history["loss"]) == 1


class Brightness:
    """Stands for a detector."""

    def score_samples(self, x):
        return -x.reshape(len(x), -1).mean(axis=1)


def test_kinds_of_outliers_of_a_detector(monkeypatch):
    monkeypatch.setattr(detector_recipe, "detection_metrics", functools.partial(detection_metrics, num_resamples=10))
    found = auroc([Brightness()], "strokes", num=50)
    assert found["auroc.inverted"].value == 1.0 and found["auroc.blank"].value == 0.0
    assert found["auroc.mirrored"].value == pytest.approx(0.5)
    monkeypatch.setattr(detector_recipe, "changed", lambda x, *_: {"mirrored": x[:, :, ::-1]})
    assert auroc([Brightness()] * 2, "strokes", num=50)["auroc.mirrored"].details["seeds"] == [0.5, 0.5]


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_the_rate_is_constant_and_then_decays(name):
    found, rates = optimizer(0.01, 100, epochs=10, batch_size=10, name=name, decay=0.2), []
    assert type(found).__name__.lower() == name
    for step in (0, 79, 80, 90, 100):
        found.iterations.assign(step)
        rates.append(float(found.learning_rate))
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.01, 0.005, 0.0], atol=1e-6)  # float32


def test_settings_of_the_optimizer_are_checked():
    config = Recipe.open(names()[0]).config
    for setting, message in (
        ({"optimizer": "sgd"}, "must have one of adam, muon, auto as `training.optimizer`. Received: 'sgd'"),
        ({"decay": 0}, r"must have a number in \(0, 1\] as `training.decay`. Received: 0"),
        ({"decay": "a"}, "must have a number as `training.decay`"),
        ({"start_from": 3}, "must have a string as `training.start_from`. Received: 3"),
    ):
        with pytest.raises(ValueError, match=message):
            check_recipe({**config, "training": {**config["training"], **setting}}, "a")
