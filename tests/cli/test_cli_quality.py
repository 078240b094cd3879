"""What `keras-ae export` asks of an export: how it is judged, and how many rows it takes."""

import json
import types
from pathlib import Path

import keras
import numpy as np
import pytest
from tiers import first
from typer.testing import CliRunner

import keras_ae as kae
from keras_ae.cli.app import app
from keras_ae.cli.export import _judges


def call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def cvae(tmp_path_factory):
    """A run whose data are at hand."""
    path = tmp_path_factory.mktemp("runs") / "cvae"
    call("train", "cvae", "--split", "train[:120]", "--epochs", 2, "--latent-dim", 2, "--out", path)
    return path


@pytest.fixture
def given(monkeypatch):
    """What `litert` is called with, and the training of the classifier, which is left out."""
    calls = []

    def export(model, path, **options):
        calls.append(options)
        raise RuntimeError("stopped here")

    monkeypatch.setattr(kae.export, "litert", export)
    monkeypatch.setattr(kae.evaluate, "train_classifier", lambda x, labels, **options: keras.Sequential())
    return calls


@pytest.mark.parametrize(
    ("quantize", "option", "judged"),
    first(2, [
        ("fp16", None, False), ("int8", None, True), ("fp16", "--quality", True), ("int8", "--no-quality", False),
        ("none", None, False), ("dynamic", None, True), ("dynamic", "--no-quality", False),
    ]),
)  # fmt: skip
def test_eight_bits_are_judged_unless_the_user_says_no(cvae, given, tmp_path, quantize, option, judged):
    options = ["--quantize", quantize, *([] if option is None else [option])]
    assert "stopped here" in call("export", "litert", cvae, tmp_path / "a.tflite", *options, code=1).output
    (found,) = given
    assert ("classifier" in found) == judged
    assert ("examples" in found) == (judged or quantize == "int8")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ("litert", "tflite/cvae.tflite"),
        ("litert --quantize fp16", "tflite/cvae-fp16.tflite"),
        ("litert --quantize dynamic", "tflite/cvae-dynamic.tflite"),
        ("litert --quantize int8 --encoder --batch-size 8", "tflite/cvae-int8-encoder-batch8.tflite"),
        ("onnx", "onnx/cvae.onnx"),
        ("onnx --signature generate", "onnx/cvae-generate.onnx"),
    ],
)
def test_exports_of_one_run_have_names_of_their_own(cvae, monkeypatch, arguments, name):
    def export(model, path, **options):
        raise RuntimeError(f"stopped before {path}")

    kind, *options = arguments.split()
    monkeypatch.setattr(kae.export, kind, export)
    monkeypatch.setattr(kae.evaluate, "train_classifier", lambda x, labels, **options: keras.Sequential())
    said = call("export", kind, cvae, *options, code=1).output
    assert f"stopped before {Path('exports', name)}" in said


@pytest.mark.parametrize(("option", "num"), [([], None), (["--max-num", 7], 7)])
def test_the_most_rows_of_a_server_can_be_chosen(cvae, tmp_path, monkeypatch, option, num):
    def export(model, directory, **options):
        raise RuntimeError(f"stopped with {options['max_num']}")

    monkeypatch.setattr(kae.export, "saved_model", export)
    said = call("export", "saved-model", cvae, tmp_path / "models", *option, code=1).output
    assert f"stopped with {num}" in said


@pytest.mark.slow
def test_export_litert_is_judged_by_a_classifier_of_the_data_that_is_kept(cvae, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options = ["--quantize", "int8", "--batch-size", 2, "--encoder", "--budget", 5]
    said = call("export", "litert", cvae, tmp_path / "a.tflite", *options).stdout
    assert "Frechet" in said and "accuracy" in said
    card = json.loads((tmp_path / "a.tflite.card.json").read_text())
    assert card["quality"]["budget"] == {"spread": 0.2, "frechet_distance": 5.0}
    assert not any("not judged by a classifier" in limit for limit in card["limits"])
    assert len(list((tmp_path / "cache" / "keras_ae").glob("classifier-*.keras"))) == 1
    metadata = kae.export.litert_metadata(tmp_path / "a.tflite")
    assert list(metadata["signatures"]) == ["decode", "generate", "encode", "reconstruct"]
    condition = metadata["signatures"]["generate"]["inputs"]["condition"]
    assert (condition["labels"], condition["description"], condition["shape"]) == (list("0123456789"), "Digit.", [2])


def test_int8_without_the_data_of_its_run_is_calibrated_with_samples(capsys):
    run = types.SimpleNamespace(config={"data": {"name": "/no/such/file.npz", "split": "train", "condition": []}})
    for quality in (False, None):
        assert _judges(run, kae.models.VAE(), quality) == {}
        assert "Samples of the model calibrate int8, because its data are not available." in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        _judges(run, kae.models.VAE(), quality=True)


@pytest.mark.parametrize("data", ["without labels", "no pictures"])
def test_data_that_no_classifier_can_learn_are_said(tmp_path, capsys, data):
    file = tmp_path / "data.npz"
    x = np.zeros([20, 5], np.float32)
    np.savez(
        file,
        **({"x": x[..., np.newaxis, np.newaxis]} if data == "without labels" else {"x": x, "y": np.arange(20) % 2}),
    )
    run = types.SimpleNamespace(config={"data": {"name": str(file), "split": "train", "condition": []}})
    assert set(_judges(run, kae.models.VAE(), None)) == {"examples"}
    assert "No classifier evaluates the export. " in capsys.readouterr().err
    with pytest.raises(Exception, match="labels" if data == "without labels" else "must be images"):
        _judges(run, kae.models.VAE(), quality=True)
