"""`keras-ae evaluate`, with cheap metrics in place of the real ones."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.evaluate import METRICS, Need, metric
from keras_ae.evaluate.statistics import mean_measurement
from keras_ae.run import Run
from keras_ae.run.assembly import assemble
from keras_ae.run.evaluation_data import EvaluationData

DATA = {"name": "digits", "split": "train[:120]", "validation_fraction": 0.1}
TRAINING = {"epochs": 1, "batch_size": 128, "learning_rate": 1e-3, "seed": 0}


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def cheap():
    """Three cheap metrics; gives the subjects that were measured, by metric."""
    seen = {"codes": [], "classes": [], "failing": set()}
    before = dict(METRICS)
    METRICS.clear()

    @metric("maps")
    def codes(subject, *, scale=1.0):
        """The mean of the codes."""
        seen["codes"].append(subject)
        if subject.name in seen["failing"]:
            raise RuntimeError("no convergence")
        yield mean_measurement("codes", scale * subject.codes[:, 0], unit="nats", better="lower", protocol="all")

    @metric("samples", Need.CLASSES)
    def classes(subject):
        """The mean of the labels."""
        seen["classes"].append(subject)
        yield mean_measurement("classes", subject.labels)

    yield seen
    METRICS.clear()
    METRICS.update(before)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs whose models have their first weights."""
    folder = tmp_path_factory.mktemp("runs")
    for name, condition, names in (("ae", None, []), ("cvae", kae.Categorical(10), ["digit"])):
        model = assemble(name, {"latent_dim": 2}, condition=condition, seed=0)
        model.build((None, 8, 8, 1))
        config = {"model": {"name": name, "latent_dim": 2}, "data": {**DATA, "condition": names}, "training": TRAINING}
        with Run.create(folder / name, config) as run:
            run.write_model(model)
    return folder


@pytest.fixture
def ae(runs, tmp_path):
    shutil.copytree(runs / "ae", tmp_path / "ae")
    return tmp_path / "ae"


def test_a_run_is_evaluated_on_the_test_split_of_its_data(ae, cheap):
    printed = call("evaluate", ae).stdout
    assert "codes" in printed and "Classes: needs a model with a categorical condition" in " ".join(printed.split())
    assert (ae / "evaluation" / "index.html").is_file()
    found = json.loads((ae / "evaluation" / "metrics.json").read_text())
    assert found["data"]["name"] == "digits" and found["data"]["split"] == "test" and found["data"]["examples"] == 360
    assert found["subjects"][0]["name"] == "ae" and found["data"]["reference"] == 108  # of 120, a tenth held out
    x, _ = kae.datasets.load("digits", "test")
    expected = kae.load(ae / "model.keras").encode(x).numpy()[:, 0].mean()
    value = found["subjects"][0]["metrics"][0]["measurements"][0]["value"]
    np.testing.assert_allclose(value, expected, rtol=1e-4)  # batches of another size


def test_runs_pixels_and_components_are_side_by_side(runs, tmp_path, cheap):
    against = ["--against", runs / "cvae", "--against", "pixels", "--against", "pca"]
    options = ["--set", "codes.scale=2", "--split", "test[:50]", "--out", tmp_path / "out"]
    call("evaluate", runs / "ae", *against, *options)
    assert [each.name for each in cheap["codes"]] == ["ae", "cvae", "pixels", "pca"]
    assert [each.name for each in cheap["classes"]] == ["cvae"]
    assert cheap["codes"][3].codes.shape == (50, 2)
    text = (tmp_path / "out" / "index.html").read_text()
    assert "test[:50]" in text and "cvae" in text


def test_an_evaluation_is_continued_with_resume(ae, cheap):
    cheap["failing"].add("ae")
    assert "RuntimeError: no convergence" in call("evaluate", ae, "--metrics", "codes", code=1).stdout
    cheap["failing"].clear()
    assert "with --resume" in call("evaluate", ae, code=1).stderr
    for _ in range(2):
        call("evaluate", ae, "--resume")
    assert len(cheap["codes"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--metrics", "fid2"], 1, "`--metrics` must be names of metrics or families. Received: 'fid2'"),
        (["--metrics", "code"], 1, "Did you mean 'codes'?"),
        (["--set", "codes.size=1"], 1, "`codes` has no option `--set codes.size`. It has: scale."),
        (["--set", "scale=1"], 2, "must be METRIC.OPTION=VALUE"),
        (["--against", "no/such/run"], 1, "There is no run no/such/run"),
        (["--split", "validation"], 1, "must be one of train (1437), test (360)"),
        (["--seeds", "0"], 2, "--seeds"),
    ],
)
def test_wrong_arguments_are_refused_in_words_of_the_command(ae, cheap, arguments, code, message):
    found = " ".join(call("evaluate", ae, *arguments, code=code).stderr.replace("\u2502", " ").split())
    assert message in found, found
    assert not (ae / "evaluation").exists() and not cheap["codes"]


def test_a_run_without_model_and_one_of_other_examples_are_refused(ae, tmp_path):
    (ae / "model.keras").rename(tmp_path / "model.keras")
    assert "ae has no model" in call("evaluate", ae, code=1).stderr
    model = kae.models.AE("mlp", "mlp", latent_dim=2)
    model.build((None, 3))
    shutil.copytree(ae, tmp_path / "flat")
    model.save(tmp_path / "flat" / "model.keras")
    (tmp_path / "model.keras").rename(ae / "model.keras")
    said = call("evaluate", ae, "--against", tmp_path / "flat", code=1).stderr
    assert "takes examples of shape [3]" in said
    assert "must be another run than RUN" in call("evaluate", ae, "--against", ae, code=2).stderr


@pytest.mark.slow
def test_recipes_are_trained_with_more_seeds_and_averaged(ae, cheap, tmp_path):
    call("evaluate", ae, "--seeds", 2, "--metrics", "maps")
    folder = tmp_path / "ae-seeds"
    assert {each.name for each in folder.iterdir()} == {"seed-1", "evaluation"}
    assert json.loads((folder / "seed-1" / "config.json").read_text())["training"]["seed"] == 1
    found = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert [one["name"] for one in found["subjects"]] == ["ae, seed 0", "ae, seed 1"]
    values = [one["metrics"][0]["measurements"][0]["value"] for one in found["subjects"]]
    np.testing.assert_allclose(found["means_over_seeds"]["ae"]["codes"]["value"], np.mean(values))
    written = (folder / "seed-1" / "model.keras").stat().st_mtime_ns
    call("evaluate", ae, "--seeds", 2, "--resume")
    assert (folder / "seed-1" / "model.keras").stat().st_mtime_ns == written and len(cheap["codes"]) == 2


def recipe(name, fraction=0.1):
    return {
        "data": {"name": name, "split": "train", "validation_fraction": fraction, "condition": []},
        "training": {"seed": 0},
    }


def test_properties_of_strokes_are_the_factors():
    plan = recipe("strokes")
    plan["data"]["split"] = "train[:50]"
    data = EvaluationData.load(plan, "test[:20]")
    assert list(data.factors) == ["digit", "variant", "slant", "thickness", "size", "rotation"]
    np.testing.assert_array_equal(data.labels, data.factors["digit"])
    assert data.x.shape == (20, 28, 28, 1) and data.reference[0].shape == (45, 28, 28, 1)
    assert data.condition(["slant"], "a").shape == (20,)
    assert set(data.condition(["slant", "size"], "a")) == {"slant", "size"}
    with pytest.raises(ValueError, match=r"a needs the properties tilt. The data have: digit"):
        data.condition(["tilt"], "a")


def test_data_without_a_test_split_are_evaluated_on_what_was_held_out(tmp_path):
    x = np.random.default_rng(0).random((30, 5)).astype("float32")
    np.savez(tmp_path / "a.npz", x=x, y=np.r_[np.arange(15) % 3, -np.ones(15)].astype(int))
    data = EvaluationData.load(recipe(str(tmp_path / "a.npz"), 0.5))
    assert data.split == "train (held out for validation)"
    # Unlabeled examples are left out.
    assert len(data.x) + len(data.reference[0]) == 15 and data.labels.min() >= 0 and not data.factors
    with pytest.raises(ValueError, match="no validation examples were held out: give `split`"):
        EvaluationData.load(recipe(str(tmp_path / "a.npz"), 0.0))
