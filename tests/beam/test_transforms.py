"""Transforms over exports, in pipelines of the user."""

import json
import sys

import numpy as np
import pytest

import keras_ae as kae

X = np.random.default_rng(1).normal(size=[10, 3]).astype(np.float32)


def test_without_the_extra_an_error_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    for call in (kae.beam.score, kae.beam.generate, lambda path: kae.beam.process_files(path, path, path)):
        with pytest.raises(ImportError, match=r"pip install 'keras_ae\[beam\]'"):
            call(tmp_path)


@pytest.fixture
def run(tmp_path):
    """A function that runs a transform on rows: {key: result}, and the counters."""
    beam = pytest.importorskip("apache_beam", reason="needs the extra: pip install 'keras_ae[beam]'")
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    def call(transform, rows):
        path, pipeline = str(tmp_path / "results"), beam.Pipeline(FnApiRunner())

        def keep(keyed, path=path):
            key, value = keyed
            value = value if isinstance(value, str) else {name: array.tolist() for name, array in value.items()}
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps([key, value]) + "\n")

        written, rejected = pipeline | beam.Create(rows) | transform
        for name, part in {"written": written, "rejected": rejected}.items():
            _ = part | name >> beam.Map(keep)
        counters = pipeline.run().metrics().query()["counters"]
        with open(path, encoding="utf-8") as file:
            found = dict(map(json.loads, file))
        return found, {e.key.metric.name: e.committed for e in counters if e.key.metric.namespace == "keras_ae"}

    return call


@pytest.fixture(scope="module")
def export(exports):
    return exports["table"]


def test_rows_keep_their_keys_and_bad_ones_leave_alone(export, run):
    model, folder = export
    rows = [(f"k{number}", x) for number, x in enumerate(X)]
    rows += [("nan", np.array([1.0, np.nan, 0.0])), ("short", X[0, :2]), ("text", "abc"), ("dict", {"y": X[0]})]
    found, counters = run(kae.beam.score(folder, batch_size=4), rows)
    expected = kae.evaluate.score(model, X)["elbo"]
    np.testing.assert_allclose([found[f"k{i}"]["elbo"] for i in range(10)], expected, rtol=1e-4, atol=1e-4)
    assert "none missing. Received: nan" in found["nan"]
    assert found["short"] == found["dict"] == "`x` must have shape [3]" and "'abc'" in found["text"]
    assert {name: counters[name] for name in ("read", "written", "rejected")} == {
        "read": 14, "written": 10, "rejected": 4
    }  # fmt: skip


def test_the_other_transforms(exports, export, run):
    model, folder = export
    rows = list(enumerate(X))
    np.testing.assert_allclose(run(kae.beam.encode(folder), rows)[0][3]["z"], model.encode(X[3:4])[0], atol=1e-5)
    np.testing.assert_allclose(run(kae.beam.reconstruct(folder), rows)[0][3]["x"], model(X[3:4])[0], atol=1e-5)
    sample = run(kae.beam.generate(folder), [("a", 5)])[0]["a"]["x"]
    np.testing.assert_allclose(sample, model.sample(1, seed=5)[0], atol=1e-5)
    detector, folder = exports["detector"]
    found, _ = run(kae.beam.outliers(folder, false_alarms=0.5), rows)
    np.testing.assert_array_equal([found[i]["outlier"] for i in range(10)], detector.flag(X, false_alarms=0.5))
