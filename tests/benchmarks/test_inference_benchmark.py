"""The inference benchmark: its contestants decode what Keras does, and are timed as it says."""

import importlib.util
import io
import itertools
import json
import os

import inference
import numpy as np
import pytest
import report
from decoding import contest, runners, subject
from decoding.contest import Length, WrongPictureError
from decoding.contestants import CONTESTANTS, left_out
from side_by_side.stopped_process import ContestantError

import keras_ae as kae
from keras_ae.export.verification import comparison, isolated_runner
from keras_ae.run import Run


@pytest.fixture(scope="module")
def model():
    networks = kae.networks.MLP([8]), kae.networks.MLP([8])
    model = kae.models.ConditionalVAE(*networks, latent_dim=2, condition=kae.Categorical(3))
    model.build((None, 28, 28, 1))
    return model


@pytest.mark.parametrize("name", ["torch-1", "decode", "predict"])
def test_contestants_decode_what_keras_does(name, model, tmp_path):
    contestant = CONTESTANTS[name]
    if left_out(contestant.runner):
        pytest.skip(left_out(contestant.runner))
    expected = subject.write_codes(model, tmp_path, 4)
    path = subject.write_artifact(model, contestant, tmp_path, 4)
    with np.load(tmp_path / "inputs-4.npz") as found:
        call = getattr(runners, contestant.runner)(path, dict(found), **contestant.options)
    assert contest.check(contestant, call(), expected) < 1e-6  # float32, pixels in [0, 1]


@pytest.mark.slow
def test_the_command_writes_results_and_a_picture(model, tmp_path, monkeypatch):
    # No process of its own for the verification of an export, which would take seconds to start.
    monkeypatch.setattr(comparison, "_run", lambda kind, *paths: isolated_runner.answer(kind, *map(str, paths)))
    monkeypatch.setattr(os, "sched_setaffinity", lambda *given: None)  # this process has other tests to run
    monkeypatch.setattr(inference, "default_model", lambda: model)
    out = tmp_path / "out" / "inference.json"
    assert inference.main(["--quick", "--contestants=litert-none-1,litert-none-2", "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    assert [case["rows"] for case in written["cases"]] == [1, 256] and written["quick"]
    for part in (part for case in written["cases"] for part in case["contestants"]):
        assert part["error"] < 1e-6 and part["bytes"] > 4 * written["model"]["parameters"]
        assert [row["calls"] for row in part["rounds"]] == [3, 3]
        assert all(0 < row["p50"] <= row["p99"] for row in part["rounds"])
    assert written["weights"] is None and written["model"]["widths"] == [5, 8, 784]
    assert str(tmp_path) not in out.read_text() and str(report.ROOT) not in out.read_text()
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_unknown_contestants_are_refused(capsys):
    with pytest.raises(SystemExit):
        inference.parse(["--contestants=litert"])
    assert "litert: choose from litert-none-1, litert-none-2" in capsys.readouterr().err


def test_a_contestant_that_fails_shows_its_log(tmp_path):
    np.savez(tmp_path / "inputs-1.npz", z=np.zeros([1, 2], np.float32))
    absent = tmp_path / "absent.tflite"
    given = {"folder": tmp_path, "rows": 1, "cores": 1}
    with (
        contest.Decoding(CONTESTANTS["litert-none-1"], absent, **given) as process,
        pytest.raises(ContestantError, match=r"(?s)LiteRT fp32, 1 thread failed in 'batch 1'.*absent\.tflite"),
    ):
        process.pictures()


def test_calls_are_timed_one_by_one(tmp_path):
    ticks = itertools.accumulate(itertools.cycle([1.0, 0.5]))  # a second between calls, half a second in them
    answers, calls = io.StringIO(), []

    def call():
        calls.append(None)
        return np.full([1, 2], 0.25)

    runners.serve(call, iter(["3\n", "1\n"]), tmp_path / "x.f32", answers, clock=lambda: next(ticks))
    assert answers.getvalue().splitlines() == ["1 2", "500000.00 500000.00 500000.00", "500000.00"]
    assert len(calls) == 1 + 3 + 1
    np.testing.assert_array_equal(np.fromfile(tmp_path / "x.f32", np.float32), [0.25, 0.25])


def test_the_first_calls_of_a_turn_do_not_count():
    class Slow:
        def times(self, calls):
            return np.array([1000.0] * 2 + [float(n) for n in range(1, calls - 1)])

    assert contest.summary(Slow(), 20) == {"p50": 10.5, "p99": pytest.approx(19.81), "calls": 20}


def test_turns_are_as_long_as_they_should_be():
    length = Length(1, seconds=0.3)
    assert length.calls([100.0, 100.0, 9000.0]) == 3000
    assert length.calls([1.0]) == 20_000 and length.calls([60_000.0]) == 100


def test_pictures_that_are_not_those_of_keras_are_refused():
    expected = np.random.default_rng(0).random([4, 28, 28, 1]).astype(np.float32)
    whole, rounded = CONTESTANTS["onnx-1"], CONTESTANTS["litert-int8-1"]
    assert contest.check(rounded, expected + np.float32(0.01), expected) == pytest.approx(0.01, rel=1e-3)
    with pytest.raises(WrongPictureError, match=r"ONNX Runtime, 1 thread differs from Keras by 0\.01, more than 5e-05"):
        contest.check(whole, expected + np.float32(0.01), expected)
    for wrong in (expected[::-1], np.full_like(expected, np.nan)):
        with pytest.raises(WrongPictureError, match="LiteRT int8, 1 thread differs"):
            contest.check(rounded, wrong, expected)
    with pytest.raises(WrongPictureError, match=r"returns shape \(3, 28, 28, 1\)"):
        contest.check(whole, expected[:3], expected)


def test_who_cannot_take_part_is_left_out_with_a_reason(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert left_out("c_api") == "there is no C compiler, gcc"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert left_out("torch_eager") == 'torch not installed: pip install ".[peers]"'
    assert left_out("onnx") == 'onnx, tf2onnx, onnxruntime not installed: pip install ".[onnx]"'
    assert left_out("litert") is None


def test_runs_of_other_models_are_refused(model, tmp_path):
    with Run.create(tmp_path / "cvae", {"model": {"name": "cvae"}}) as run:
        run.write_model(model)
    assert subject.describe(subject.trained_model(tmp_path / "cvae"))["widths"] == [5, 8, 784]
    other = kae.models.VAE(latent_dim=2)
    other.build((None, 28, 28, 1))
    with Run.create(tmp_path / "vae", {"model": {"name": "vae"}}) as run:
        run.write_model(other)
    with pytest.raises(ValueError, match=r"`--run` must be a run of `keras-ae train cvae --dataset mnist`"):
        subject.trained_model(tmp_path / "vae")


def test_the_default_model_is_that_of_the_command_line():
    model = subject.default_model()
    described = subject.describe(model)
    assert described["class"] == kae.models.MODELS["cvae"].__name__ == "ConditionalVAE"
    assert described["widths"] == [8 + 10, 200, 200, 784] and described["latent_dim"] == 8
    assert described["parameters"] == 18 * 200 + 200 + 200 * 200 + 200 + 200 * 784 + 784
    biases = np.concatenate([weight.numpy() for weight in model.decoder.weights if len(weight.shape) == 1])
    assert len(biases) == 400 and biases.all()  # zeros would not be stored
