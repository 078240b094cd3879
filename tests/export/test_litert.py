import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae


@pytest.fixture(scope="module")
def exported(cvae, tmp_path_factory):
    """The card of an export with all signatures, in a folder that was not there."""
    return kae.export.litert(cvae, tmp_path_factory.mktemp("device") / "tflite" / "cvae.tflite", encoder=True)


def call(card, name, output="x", **inputs):
    return Interpreter(str(card.path)).get_signature_runner(name)(**inputs)[output]


@pytest.mark.parametrize(("seed", "row"), [(0, 0), (7, 0), (7, 5), (2**31 - 1, 2)])
def test_picture_i_of_a_seed_is_that_of_keras(exported, cvae, seed, row):
    found = call(exported, "generate", seed=np.int32([seed]), row=np.int32([row]), condition=np.int32([row % 10]))
    expected = cvae.sample(row + 1, np.arange(row + 1) % 10, seed=seed)[row:]
    np.testing.assert_allclose(found, expected, atol=2e-6)  # float32, logarithm and cosine of another library


def test_a_batch_holds_consecutive_pictures(cvae, tmp_path):
    card = kae.export.litert(cvae, tmp_path / "batch.tflite", batch_size=4)
    labels = np.int32([1, 2, 3, 4, 5, 6])
    found = call(card, "generate", seed=np.int32([3]), row=np.int32([2]), condition=labels[2:])
    np.testing.assert_allclose(found, cvae.sample(6, labels, seed=3)[2:], atol=2e-6)
    assert card.signatures["decode"]["inputs"]["z"] == {"dtype": "float32", "shape": [4, 4]}


def test_the_encoder_gives_what_keras_gives(exported, cvae):
    x = np.random.default_rng(0).random((3, 8, 8, 1)).astype(np.float32)
    for row in range(3):
        inputs = {"x": x[row : row + 1], "condition": np.int32([row])}
        encoded = Interpreter(str(exported.path)).get_signature_runner("encode")(**inputs)
        q = cvae.posterior(x[row : row + 1], [row])
        np.testing.assert_allclose(encoded["z"], q.mean(), atol=2e-6)
        np.testing.assert_allclose(encoded["scale"], q.stddev(), atol=2e-6)
        expected = cvae.reconstruct(x[row : row + 1], [row])
        np.testing.assert_allclose(call(exported, "reconstruct", **inputs), expected, atol=2e-6)


@pytest.mark.parametrize(("pixel", "label"), [(np.nan, 1), (np.inf, 1), (0.5, 10)])
def test_examples_that_are_not_finite_are_encoded_as_nan(exported, pixel, label):
    x = np.zeros([1, 8, 8, 1], np.float32)
    x[0, 3, 4] = pixel
    for name, output in (("encode", "z"), ("encode", "scale"), ("reconstruct", "x")):
        assert np.isnan(call(exported, name, output, x=x, condition=np.int32([label]))).all()


def test_the_card_says_what_was_measured(exported):
    card = json.loads(exported.path.with_name("cvae.tflite.card.json").read_text())
    assert card["format"] == "litert" and card["quantize"] == "none" and card["verified"] is True
    assert card["signatures"]["generate"] == {
        "inputs": {
            "condition": {"dtype": "int32", "shape": [1]},
            "row": {"dtype": "int32", "shape": [1]},
            "seed": {"dtype": "int32", "shape": [1]},
        },
        "outputs": {"x": {"dtype": "float32", "shape": [1, 8, 8, 1]}},
    }
    assert card["bytes"]["total"] == exported.path.stat().st_size
    assert card["latency"]["decode_us"] > 0
    assert sorted(card["signatures"]) == ["decode", "encode", "generate", "reconstruct"]
    errors = [output["max"] for outputs in card["errors"].values() for output in outputs.values()]
    assert 0 < max(errors) < 1e-5  # one may be 0
    assert card["quality"]["samples"] == 1000 and card["quality"]["budget"] == {"relative": 1e-5}


def test_a_model_without_prior_only_decodes(small, tmp_path):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    card = kae.export.litert(model, tmp_path / "ae.tflite")
    assert list(card.signatures) == ["decode"] and "prior" in card.omitted["generate"]


class Betainc(keras.layers.Layer):
    """A layer without builtin operations."""

    def call(self, x):
        return tf.math.betainc(2.0 + 0.0 * x, 2.0 + 0.0 * x, tf.sigmoid(x))


def test_a_layer_without_builtin_operations_is_refused_by_name(small, tmp_path):
    model = small(decoder=keras.Sequential([keras.layers.Dense(16), Betainc()]))
    with pytest.raises(ValueError, match=r"must consist of builtin operations of LiteRT. Received: .*Betainc"):
        kae.export.litert(model, tmp_path / "new" / "a.tflite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("a.tflite", {"quantize": "int4"}, '`quantize` must be "none", "fp16", "dynamic" or "int8"'),
        ("a.tflite", {"batch_size": 0}, "`batch_size` must be"),
        ("a.bin", {}, "`path` must end in .tflite"),
    ],
)
def test_wrong_arguments_are_refused(cvae, tmp_path, name, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kae.export.litert(cvae, tmp_path / name, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_not_a_file(cvae, tmp_path):
    (tmp_path / "a.tflite").mkdir()
    with pytest.raises(ValueError, match="`path` must not be a directory"):
        kae.export.litert(cvae, tmp_path / "a.tflite")


def test_properties_may_be_called_as_tensors_within_the_file(small, tmp_path):
    """Pieces hand each other `context`, `params` and `silence`; inputs by these names are others."""
    names = ("params", "context", "silence")
    model = small({name: kae.Categorical(num) for num, name in enumerate(names, 2)})
    card = kae.export.litert(model, tmp_path / "a.tflite", encoder=True)  # verified: all values are compared with Keras
    for signature in ("decode", "generate", "encode", "reconstruct"):
        assert set(names) <= set(card.signatures[signature]["inputs"])
    q = {"z": np.ones([1, 4], np.float32), **{name: np.int32([0]) for name in names}}
    assert np.isfinite(call(card, "decode", **q)).all()
    assert all(np.isnan(call(card, "decode", **{**q, name: np.int32([4])})).all() for name in names)
