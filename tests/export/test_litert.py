import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae


@pytest.fixture(scope="module")
def files(cvae, tmp_path_factory):
    """{quantize: card} of exports of one model."""
    folder = tmp_path_factory.mktemp("device")
    return {
        quantize: kae.export.litert(cvae, folder / "tflite" / f"{quantize}.tflite", quantize=quantize)
        for quantize in ("none", "dynamic")
    }


def call(card, name, **inputs):
    return Interpreter(str(card.path)).get_signature_runner(name)(**inputs)["x"]


@pytest.mark.parametrize(("seed", "row"), [(0, 0), (7, 0), (7, 5), (2**31 - 1, 2)])
def test_picture_i_of_a_seed_is_that_of_keras(files, cvae, seed, row):
    found = call(files["none"], "generate", seed=np.int32([seed]), row=np.int32([row]), condition=np.int32([row % 10]))
    expected = cvae.sample(row + 1, np.arange(row + 1) % 10, seed=seed)[row:]
    np.testing.assert_allclose(found, expected, atol=2e-6)  # float32, logarithm and cosine of another library


def test_a_batch_holds_consecutive_pictures(cvae, tmp_path):
    card = kae.export.litert(cvae, tmp_path / "batch.tflite", batch_size=4)
    labels = np.int32([1, 2, 3, 4, 5, 6])
    found = call(card, "generate", seed=np.int32([3]), row=np.int32([2]), condition=labels[2:])
    np.testing.assert_allclose(found, cvae.sample(6, labels, seed=3)[2:], atol=2e-6)
    assert card.signatures["decode"]["inputs"]["z"] == {"dtype": "float32", "shape": [4, 4]}


@pytest.mark.parametrize("quantize", ["none", "dynamic"])
@pytest.mark.parametrize("label", [-1, 10, 2**31 - 1])
def test_an_unknown_label_gives_nan_never_a_wrong_picture(files, quantize, label):
    condition = np.int32([label])
    assert np.isnan(call(files[quantize], "decode", z=np.zeros([1, 4], np.float32), condition=condition)).all()
    found = call(files[quantize], "generate", seed=np.int32([1]), row=np.int32([0]), condition=condition)
    assert np.isnan(found).all()


@pytest.mark.parametrize("quantize", ["none", "dynamic"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_code_that_is_not_finite_gives_nan(files, quantize, value):
    z = np.float32([[0, value, 0, 0]])
    assert np.isnan(call(files[quantize], "decode", z=z, condition=np.int32([1]))).all()


def test_int8_weights_are_smaller_and_close(small, tmp_path):
    # Wide enough for the weights to outweigh the graph, which is about 20 kB.
    model = small(decoder=kae.networks.MLP([256, 256]), event_shape=(16, 16, 1))
    cards = [kae.export.litert(model, tmp_path / f"{q}.tflite", quantize=q) for q in ("none", "dynamic")]
    assert cards[1].bytes["total"] < 0.35 * cards[0].bytes["total"]
    assert cards[0].bytes["weights"] < cards[0].bytes["total"] < 1.1 * cards[0].bytes["weights"]  # stored once
    assert 0 < cards[1].errors["decode"]["x"]["max"] < 0.05


@pytest.mark.parametrize("quantize", ["none", "dynamic"])
def test_operations_are_builtin_and_shapes_static(files, quantize):
    content = schema.ModelT.InitFromPackedBuf(files[quantize].path.read_bytes(), 0)
    assert [code.customCode for code in content.operatorCodes if code.customCode] == []
    for graph in content.subgraphs:
        assert all(-1 not in list(tensor.shapeSignature or []) for tensor in graph.tensors)
    assert sorted(s.signatureKey.decode() for s in content.signatureDefs) == ["decode", "generate"]


def test_the_card_says_what_was_measured(files):
    card = json.loads(files["dynamic"].path.with_name("dynamic.tflite.card.json").read_text())
    assert card["format"] == "litert" and card["quantize"] == "dynamic" and card["verified"] is True
    assert card["signatures"]["generate"] == {
        "inputs": {
            "condition": {"dtype": "int32", "shape": [1]},
            "row": {"dtype": "int32", "shape": [1]},
            "seed": {"dtype": "int32", "shape": [1]},
        },
        "outputs": {"x": {"dtype": "float32", "shape": [1, 8, 8, 1]}},
    }
    assert card["bytes"]["total"] == files["dynamic"].path.stat().st_size
    assert card["latency"]["decode_us"] > 0
    assert 0 < card["errors"]["decode"]["x"]["max"] < 0.01
    assert files["none"].errors["generate"]["x"]["max"] < 1e-5


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
        ("a.tflite", {"quantize": "int4"}, "`quantize` must be one of .*'none', 'dynamic'.* Received: quantize='int4'"),
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
