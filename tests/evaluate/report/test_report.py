"""The report measures what applies, says what it left out, loses nothing, and measures nothing twice."""

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import keras_ae as kae
from keras_ae.evaluate import Evaluation, Measurement, Subject, over_seeds, report
from keras_ae.evaluate.report.fingerprints import hash_of_data, hash_of_model
from keras_ae.evaluate.report.results import Outcome
from keras_ae.evaluate.report.store import read


@pytest.fixture(scope="module")
def model():
    model = kae.models.VAE("mlp", "mlp", latent_dim=3)
    model.build((None, 4, 4, 1))
    return model


def test_what_applies_is_measured_and_the_rest_has_its_reason(cheap, data, representations):
    x, labels = data
    found = report(representations[0], x, labels, verbose=False)
    np.testing.assert_allclose(found["mean_code"].value, x[:, 0, 0, 0].mean(), rtol=1e-6)
    assert list(found.measurements) == ["mean_code", "two_numbers.accuracy", "two_numbers.error"]
    assert found["accuracy"] is found["two_numbers.accuracy"]
    assert found.left_out == {
        "of_models": "of_models needs a model, not only a representation function.",
        "refused": "refused needs pictures.",
    }
    assert not found.failed and found.path is None
    with pytest.raises(KeyError, match="of_models was not measured: of_models needs a model"):
        found["of_models"]
    with pytest.raises(KeyError, match="Did you mean 'mean_code'"):
        found["mean_cod"]
    assert report(representations[0], x, verbose=False).left_out["two_numbers"] == "two_numbers needs labels."


def test_metrics_and_their_options_can_be_chosen(cheap, data, representations):
    x, labels = data
    found = report(representations[0], x, labels, metrics="maps", options={"mean_code": {"scale": 2.0}}, verbose=False)
    assert list(found.measurements) == ["mean_code"]
    np.testing.assert_allclose(found["mean_code"].value, 2 * x[:, 0, 0, 0].mean(), rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": ["mean_cod"]}, r"`metrics` must be names .* Did you mean 'mean_code'\?"),
        ({"options": {"mean_cod": {}}}, r"`options` must name metrics. .* Did you mean 'mean_code'\?"),
        ({"options": {"mean_code": {"scal": 1}}}, r"`mean_code` has no option `scal`. Did you mean 'scale'\?"),
        ({"options": {"of_models": {"scale": 1}}}, r"`of_models` has no option `scale`. It has none\."),
        (
            {"against": ["pixel"]},
            r"`against` must be models, functions or one of pca, pixels. .* Did you mean 'pixels'",
        ),
        ({"against": "pca"}, "`against` can have 'pca' only with `reference`"),
    ],
)
def test_unknown_names_are_refused_before_anything_is_measured(cheap, data, representations, given, message):
    with pytest.raises(ValueError, match=message):
        report(representations[0], *data, verbose=False, **given)
    assert not cheap.calls


def test_a_metric_that_fails_does_not_lose_the_others(cheap, data, representations, tmp_path, capsys):
    cheap.failing.add("mean_code")
    found = report(representations[0], *data, out=tmp_path / "a")
    assert found.failed == {"flat: mean_code": "RuntimeError: the matrix is singular"}
    assert found["accuracy"].value == 0.75
    printed = capsys.readouterr().out
    assert "Mean code: RuntimeError: the matrix is singular" in printed and "Two numbers: accuracy" in printed
    cheap.failing.clear(), cheap.calls.clear()
    assert not report(representations[0], *data, out=tmp_path / "a", resume=True, verbose=False).failed
    assert cheap.calls == ["flat: mean_code"]


def test_a_killed_evaluation_goes_on_where_it_was(cheap, data, representations, tmp_path, monkeypatch):
    flat, half = representations
    from keras_ae.evaluate import METRICS

    def killed(subject, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(METRICS, "two_numbers", METRICS["two_numbers"].__class__("two_numbers", "clustering", (), killed))
        with pytest.raises(KeyboardInterrupt):
            report(flat, *data, against=[half], out=tmp_path, verbose=False)
    assert list(read(tmp_path / "metrics.json").main.measurements) == ["mean_code"]
    assert cheap.calls == ["flat: mean_code"]
    first = report(flat, *data, against=[half], out=tmp_path, resume=True, verbose=False)
    assert cheap.calls == ["flat: mean_code", "flat: two_numbers", "half: mean_code", "half: two_numbers"]
    again = report(flat, *data, against=[half], out=tmp_path, resume=True, verbose=False)
    assert len(cheap.calls) == 4 and again.subjects == first.subjects


def test_what_was_measured_is_kept_while_other_things_are(cheap, data, representations, tmp_path):
    flat, _ = representations
    for metrics in ("maps", "clustering", None):
        report(flat, *data, metrics=metrics, out=tmp_path, resume=True, verbose=False)
    assert cheap.calls == ["flat: mean_code", "flat: two_numbers"]


@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: {"x": x + 0.1},
        lambda x, y: {"labels": y[::-1]},
        lambda x, y: {"factors": {"size": np.arange(40)}},
        lambda x, y: {"reference": x},
        lambda x, y: {"seed": 1},
        lambda x, y: {"options": {"mean_code": {"scale": 3.0}}},
        lambda x, y: {"model": lambda x: 2 * x.reshape(len(x), -1)},
        lambda x, y: {"extractor": lambda x: x},
    ],
)
def test_what_a_number_depends_on_makes_it_measured_again(cheap, data, representations, tmp_path, change):
    given = {"model": representations[0], "x": data[0], "labels": data[1], "metrics": "maps", "out": tmp_path}
    report(**given, verbose=False)
    report(**{**given, **change(*data)}, resume=True, verbose=False)
    assert len(cheap.calls) == 2


def test_the_file_holds_everything(cheap, data, representations, tmp_path):
    flat, half = representations
    found = report(flat, *data, against={"other": half}, out=tmp_path / "a", verbose=False, data="noise", seed=3)
    text = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert (text["format"], text["version"], text["seed"]) == ("keras_ae evaluation", 1, 3)
    assert {"versions", "machine", "written"} <= text.keys()
    assert text["data"] | {"hash": ""} == {
        "name": "noise", "examples": 40, "shape": [4, 4, 1], "classes": 3, "factors": [], "reference": None, "hash": ""
    }  # fmt: skip
    assert [one["name"] for one in text["subjects"]] == ["flat", "other"]
    entry = text["subjects"][0]["metrics"][0]
    assert entry["options"] == {"scale": 1.0} and entry["seconds"] >= 0 and entry["measurements"][0]["protocol"]
    assert read(tmp_path / "a" / "metrics.json").subjects == found.subjects


def test_folders_are_not_overwritten(cheap, data, representations, tmp_path):
    flat, _ = representations
    report(flat, *data, out=tmp_path / "a", verbose=False)
    with pytest.raises(FileExistsError, match=r"holds an evaluation already: .* continue it with resume=True"):
        report(flat, *data, out=tmp_path / "a", verbose=False)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("x")
    with pytest.raises(FileExistsError, match="b is not empty, and not an evaluation"):
        report(flat, *data, out=tmp_path / "b", resume=True, verbose=False)
    with pytest.raises(FileExistsError, match="must be a folder"):
        report(flat, *data, out=tmp_path / "b" / "thesis.txt", verbose=False)
    for damage, message in (("{}", "must have format"), ('{"format": "keras_ae evaluation", "version": 1}', "damaged")):
        (tmp_path / "a" / "metrics.json").write_text(damage)
        with pytest.raises(ValueError, match=message):
            report(flat, *data, out=tmp_path / "a", resume=True, verbose=False)


def test_seeds_of_one_recipe_are_one_number_with_a_t_interval(cheap, data, tmp_path):
    models = [lambda x, k=k: k * x.reshape(len(x), -1) for k in (1.0, 2.0, 4.0)]
    found = report(models, *data, against=["pixels"], metrics="maps", out=tmp_path, verbose=False)
    assert list(found.subjects) == ["<lambda>", "pixels"] and found.main.seeds == 3
    values = [k * data[0][:, 0, 0, 0].astype(np.float64).mean() for k in (1, 2, 4)]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    np.testing.assert_allclose(found["mean_code"].value, np.mean(values), rtol=1e-6)
    np.testing.assert_allclose(found["mean_code"].interval, expected, rtol=1e-6)
    assert found["mean_code"].protocol.startswith("mean of 3 seeds with its t interval; each: all examples")
    text = json.loads((tmp_path / "metrics.json").read_text())
    assert [one["name"] for one in text["subjects"]] == [*(f"<lambda>, seed {k}" for k in (1, 2, 3)), "pixels"]
    np.testing.assert_allclose(text["means_over_seeds"]["<lambda>"]["mean_code"]["value"], np.mean(values), rtol=1e-6)


def test_a_metric_that_failed_for_one_seed_has_no_mean():
    def evaluation(state, *values):
        found = tuple(Measurement("m", value) for value in values)
        return Evaluation("a", outcomes={"m": Outcome("m", "maps", state, found, "no" if state == "failed" else "")})

    mean = over_seeds([evaluation("measured", 1.0), evaluation("failed")])
    assert mean.failed == {"m": "no"} and not mean.measurements
    assert over_seeds([evaluation("measured", 1.0), evaluation("measured", 3.0)])["m"].value == 2.0


def test_models_of_one_recipe_are_ranked_and_ranked_again_if_one_changes(tmp_path):
    x = np.random.default_rng(0).normal(size=[300, 2])

    def ranked(*functions, **given):
        metrics = ["unsupervised_disentanglement_ranking"]
        return report(list(functions), x, metrics=metrics, out=tmp_path / "out", verbose=False, **given)

    assert ranked(np.negative, np.fliplr)["unsupervised_disentanglement_ranking"].value > 0.8
    changed = ranked(np.negative, lambda x: np.repeat(x.sum(axis=1, keepdims=True), 2, axis=1), resume=True)
    assert changed["unsupervised_disentanglement_ranking"].value < 0.7


def test_a_choice_over_seeds_is_the_median_of_the_choices():
    def evaluation(best):
        measurement = Measurement("m", best, details={"choices": [2, best, 15]}, protocol="of 3 draws")
        return Evaluation("a", outcomes={"m": Outcome("m", "maps", measurements=(measurement,))})

    found = over_seeds([evaluation(9), evaluation(5), evaluation(12)])["m"]
    assert found.value == 9 and found.details == {"choices": [5, 9, 12]} and found.interval is None
    assert found.protocol == "median of 3 seeds; each: of 3 draws"


def test_pixels_and_principal_components_are_representations(cheap, data, model):
    x, labels = data
    given = {"against": ["pixels", "pca"], "reference": x, "metrics": "maps", "verbose": False}
    found = report(model, x, labels, **given)
    assert list(found.subjects) == ["VAE", "pixels", "pca"]
    np.testing.assert_allclose(found.subjects["pixels"]["mean_code"].value, x[:, 0, 0, 0].mean(), rtol=1e-6)
    # Principal components of the data itself are centered.
    assert abs(found.subjects["pca"]["mean_code"].value) < 1e-5


def test_the_hash_of_a_model_follows_its_weights(model):
    x = np.zeros([2, 4, 4, 1], "float32")
    before = hash_of_model(model, x)
    assert hash_of_model(model, x) == before
    weight = model.trainable_weights[0]
    kept = weight.numpy()
    weight.assign(kept + 1e-3)
    assert hash_of_model(model, x) != before
    weight.assign(kept)
    assert hash_of_model(model, x) == before


def test_the_hash_of_data_is_that_of_its_examples_in_arrays_and_streams(data, representations):
    x, labels = data
    arrays = hash_of_data(Subject(representations[0], x))
    assert hash_of_data(Subject(representations[0], tf.data.Dataset.from_tensor_slices(x).batch(7))) == arrays
    assert hash_of_data(Subject(representations[0], x, labels.astype(str))) != arrays


def test_the_display_in_a_terminal_names_the_metric(cheap, data, model):
    import io

    from rich.console import Console

    from keras_ae.evaluate import report as package  # the function
    from keras_ae.evaluate.report import evaluate

    assert package is report
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    subject = Subject(model, *data)
    evaluate({"VAE": [subject]}, metrics="likelihood", console=console)
    assert "VAE: of_models" in console.file.getvalue() and subject.progress is None


def test_options_and_details_that_json_lacks_become_text(cheap, data, representations, tmp_path):
    from keras_ae.evaluate import metric

    @metric("maps")
    def odd(subject, *, candidates=range(2, 4)):
        """A metric with odd values."""
        yield Measurement("odd", np.float32(1.5), details={"values": np.arange(2), "range": candidates, "nan": np.nan})

    given = {"metrics": ["odd"], "out": tmp_path, "verbose": False}
    found = report(representations[0], *data, **given)
    assert found["odd"].details == {"values": [0, 1], "range": "range(2, 4)", "nan": None}
    assert found.main.outcomes["odd"].options == {"candidates": "range(2, 4)"}
    assert report(representations[0], *data, resume=True, **given).subjects == found.subjects


def test_what_subjects_have_in_common_is_computed_once(cheap, data):
    from keras_ae.evaluate import metric

    seen = []

    @metric("samples")
    def real(subject):
        """The mean of the features of the data."""
        yield Measurement("real", float(subject.real_features.mean()))

    def extractor(x):
        seen.append(len(x))
        return x.reshape(len(x), -1)

    x, labels = data
    found = report(extractor, x, labels, against=["pixels"], extractor=extractor, metrics=["real"], verbose=False)
    assert found.subjects["pixels"]["real"] == found["real"]
    # Hashes look at 32 examples; the features of all 40 are computed once.
    assert seen.count(40) == 1
