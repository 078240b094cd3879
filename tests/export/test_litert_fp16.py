"""16-bit weights: half of the file, and what chooses chooses as the rounded model does."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae
from keras_ae.export.litert.convert import rounded
from keras_ae.export.litert.flatbuffer import halve
from keras_ae.export.signatures.signature import Signature, write


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """A function with large constants, of which one is made of float16 values, and a formula."""
    folder = tmp_path_factory.mktemp("half") / "1"
    values = np.random.default_rng(0).normal(size=(2, 32, 32)).astype(np.float32)
    exact, other = tf.Variable(values[0].astype(np.float16).astype(np.float32)), tf.Variable(values[1])

    def function(x):
        return {"y": tf.matmul(tf.matmul(x, exact), other) + 2.0 * np.float32(np.pi)}

    write(folder, [Signature("f", function, [tf.TensorSpec([1, 32], tf.float32, name="x")])])
    return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=["f"]).convert()


def test_constants_that_float16_holds_take_half_and_nothing_changes(content):
    half = halve(content)
    assert 2048 - 600 < len(content) - len(half) < 2048 + 600  # one of two matrices, and names
    x = np.random.default_rng(1).normal(size=(1, 32)).astype(np.float32)
    found = [Interpreter(model_content=each).get_signature_runner("f")(x=x)["y"] for each in (content, half)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6, atol=1e-5)


def test_a_model_is_rounded_for_a_while(small):
    model = small()
    kernel = model.decoder.weights[0]
    kernel.assign(tf.where(tf.range(kernel.shape[1]) == 0, 1e6, kernel))  # float16 does not reach it
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(RuntimeError, match="within"), rounded(model):
        for weight, value in zip(model.weights, before, strict=True):
            exact = value.size < 64 or weight is kernel
            np.testing.assert_array_equal(weight, value if exact else value.astype(np.float16).astype(np.float32))
        raise RuntimeError("within")
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


MODELS = {
    "vamp": lambda: kae.models.VampPriorVAE(latent_dim=4, components=300),
    "autoregressive": lambda: kae.models.VQVAE(latent_dim=8, prior="autoregressive"),
}


@pytest.mark.slow  # tests/benchmarks/test_export_table.py looks at the sizes of all models in exports/README.md
@pytest.mark.parametrize("name", MODELS)
def test_float16_takes_half_of_large_priors_too(name, tmp_path, in_process):
    model = MODELS[name]()
    model.build((None, 8, 8, 1))
    cards = {q: kae.export.litert(model, tmp_path / f"{q}.tflite", quantize=q) for q in ("none", "fp16")}
    sizes = {quantize: card.bytes["total"] for quantize, card in cards.items()}
    assert sizes["fp16"] < 0.55 * sizes["none"]
    said = [limit for limit in cards["fp16"].limits if "entries of the codebook are chosen" in limit]
    assert all("of 1000 seeds keep the same codes" in limit for limit in said)
    assert len(said) == (name == "autoregressive")
