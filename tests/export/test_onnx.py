import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import gammaln
from scipy.special import xlogy as scipy_xlogy
from tiers import first

import keras_ae as kae
from keras_ae.export.signatures.signature import Signature

onnxruntime, *_ = (
    pytest.importorskip(name, reason='needs pip install "keras_ae[onnx]"')
    for name in ("onnxruntime", "onnx", "tf2onnx")
)


TRIED = ["laplace", "continuous_bernoulli", "discretized_logistic_mixture"]  # once refused
TRIED += sorted(set(kae.likelihoods.LIKELIHOODS) - set(TRIED))


@pytest.fixture(scope="module")
def files(cvae, tmp_path_factory):
    """{signature: card} of exports of one model, verified in another process."""
    folder = tmp_path_factory.mktemp("onnx")
    return {name: kae.export.onnx(cvae, folder / f"{name}.onnx", signature=name) for name in ("decode", "generate")}


def call(card, **inputs):
    (x,) = onnxruntime.InferenceSession(str(card.path), providers=["CPUExecutionProvider"]).run(["x"], inputs)
    return x


def test_decode_is_the_mean_of_the_likelihood(files, cvae):
    z, labels = np.random.default_rng(0).standard_normal([5, 4]).astype(np.float32), np.int32([3, 0, 9, 1, 1])
    np.testing.assert_allclose(call(files["decode"], z=z, condition=labels), cvae.decode(z, labels), atol=1e-6)


def test_picture_i_of_a_seed_is_that_of_keras(files, cvae):
    seeds, rows, labels = np.int32([0, 7, 7, 2**31 - 1]), np.int32([0, 0, 5, 2]), np.int32([0, 3, 3, 9])
    found = call(files["generate"], seed=seeds, row=rows, condition=labels)
    for picture, seed, row, label in zip(found, seeds, rows, labels, strict=True):
        np.testing.assert_allclose(picture, cvae.sample(row + 1, int(label), seed=int(seed))[row], atol=2e-6)


@pytest.mark.parametrize("label", [-1, 10, 2**31 - 1])
def test_an_unknown_label_gives_nan_never_a_wrong_picture(files, label):
    labels, zeros = np.int32([1, label]), np.zeros([2], np.int32)
    for found in (
        call(files["decode"], z=np.zeros([2, 4], np.float32), condition=labels),
        call(files["generate"], seed=zeros, row=zeros, condition=labels),
    ):
        assert np.isnan(found[1]).all() and np.isfinite(found[0]).all()


def test_the_card_says_what_was_measured(files):
    for name, card in files.items():
        known = json.loads(card.path.with_name(f"{name}.onnx.card.json").read_text())
        assert known["format"] == "onnx" and known["errors"][name]["x"]["max"] < 1e-5
        assert list(known["signatures"]) == [name] and len(known["omitted"]) == 1
        assert known["latency"][f"{name}_us"] > 0
        assert {"onnx", "onnxruntime", "tf2onnx"} <= set(known["versions"])
    assert files["generate"].signatures["generate"]["inputs"] == {
        name: {"dtype": "int32", "shape": [None]} for name in ("condition", "row", "seed")
    }
    assert files["decode"].signatures["decode"]["inputs"]["z"] == {"dtype": "float32", "shape": [None, 4]}


def test_it_is_verified_again(files):
    report = kae.export.verify(files["decode"].path.parent)
    assert report.ok and len(report.artifacts) == 2


def test_a_model_without_prior_only_decodes(small, tmp_path, in_process):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    card = kae.export.onnx(model, tmp_path / "a.onnx")
    assert "prior" in card.omitted["generate"]
    with pytest.raises(ValueError, match="`signature` must be 'decode': the model has no prior"):
        kae.export.onnx(model, tmp_path / "b.onnx", signature="generate")


@pytest.mark.parametrize("likelihood", first(3, TRIED))
def test_every_likelihood_is_decoded(small, tmp_path, in_process, likelihood):
    card = kae.export.onnx(small(likelihood=likelihood), tmp_path / "a.onnx")
    assert card.errors["decode"]["x"]["max"] < 1e-5


def test_operations_that_tf2onnx_lacks_are_written_in_those_of_onnx():
    """Near 0 and at both ends of exp(x) - 1; shapes of different ranks, with lengths of 1 on either side."""

    def function(x, y):
        shape = tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(y))
        return {"expm1": tf.math.expm1(x), "sum": tf.broadcast_to(x, shape) + tf.broadcast_to(y, shape)}

    specs = [tf.TensorSpec([None, 1], tf.float32, name="x"), tf.TensorSpec([2, None, 3], tf.float32, name="y")]
    content = sys.modules["keras_ae.export.onnx"]._convert(Signature("f", function, specs))
    x = np.float32([[-200.0], [-1.0], [-1e-6], [0.0], [1e-6], [0.3], [80.0]])
    y = np.arange(42, dtype=np.float32).reshape(2, 7, 3)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    expm1, total = session.run(["expm1", "sum"], {"x": x, "y": y})
    np.testing.assert_allclose(expm1, np.expm1(x.astype(np.float64)), rtol=2e-6)  # a few roundings of float32
    np.testing.assert_allclose(total, x + y, rtol=1e-6)


def test_logarithms_and_gamma_functions_are_written_in_operations_of_onnx():
    def function(x):
        product = tf.math.multiply_no_nan(tf.math.log(x), x)
        terms = {"log1p": tf.math.log1p(x), "lgamma": tf.math.lgamma(x + 0.01), "xlogy": tf.math.xlogy(x, x)}
        return {**terms, "product": product}

    specs = [tf.TensorSpec([None], tf.float32, name="x")]
    content = sys.modules["keras_ae.export.onnx"]._convert(Signature("f", function, specs))
    x = np.float32([0.0, 1e-3, 0.5, 1.0, 2.0, 10.0, 1e4, 1e6])
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    log1p, lgamma, xlogy, product = session.run(["log1p", "lgamma", "xlogy", "product"], {"x": x})
    # A few roundings of float32, of terms up to 10.
    np.testing.assert_allclose(log1p, np.log1p(x), rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(lgamma, gammaln(x.astype(np.float64) + 0.01), rtol=2e-6, atol=1e-5)
    np.testing.assert_allclose(xlogy, scipy_xlogy(x, x), rtol=2e-6)
    np.testing.assert_allclose(product, scipy_xlogy(x, x), rtol=2e-6)


class Betainc(keras.layers.Layer):
    """A layer without an operation in ONNX."""

    def call(self, x):
        return tf.math.betainc(2.0 + 0.0 * x, 2.0 + 0.0 * x, tf.sigmoid(x))


def test_a_layer_that_onnx_lacks_is_refused_by_name(small, tmp_path):
    model = small(decoder=keras.Sequential([keras.layers.Dense(16), Betainc()]))
    with pytest.raises(ValueError, match=r"must consist of operations that ONNX has. Received: .*Betainc"):
        kae.export.onnx(model, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("a.tflite", {}, "`path` must end in .onnx"),
        ("a.onnx", {"signature": "encode"}, '`signature` must be "decode" or "generate". Received: signature=.encode'),
    ],
)
def test_wrong_arguments_are_refused(cvae, tmp_path, name, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kae.export.onnx(cvae, tmp_path / name, **arguments)
    assert list(tmp_path.iterdir()) == []
