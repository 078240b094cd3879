"""`model.export`, as users of Keras know it, is `kae.export`."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae

NUM = 5
X = np.random.default_rng(0).random((NUM, 8, 8, 1)).astype("float32")
LABELS = np.arange(NUM, dtype="int32")
SLANTS = np.linspace(-1, 1, NUM, dtype="float32")


@pytest.mark.parametrize("after", first(1, ["load", "fit"]))
def test_serve_reconstructs(in_process, small, tmp_path, after):
    model = small({"digit": kae.Categorical(10), "slant": kae.Continuous()})
    condition = {"digit": LABELS, "slant": SLANTS}
    model.compile(run_eagerly=True)
    model.fit(X, condition, verbose=0)
    if after == "load":
        model.save(tmp_path / "model.keras")
        model = kae.load(tmp_path / "model.keras")
    card = model.export(tmp_path / "exported")
    assert card.signatures["reconstruct"] and (tmp_path / "exported" / "assets.extra" / "card.json").is_file()
    expected = model.reconstruct(X, condition)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(served.serve(X, LABELS, SLANTS), expected, rtol=1e-5, atol=1e-6)
    assert "serve" not in served.signatures  # servers have the same as before


@pytest.mark.slow
def test_keras_calls_an_exported_model_as_a_layer(in_process, small, tmp_path, capsys):
    model = small()
    model.export(str(tmp_path / "exported"), verbose=True)
    assert capsys.readouterr().out == f"Saved the tf_saved_model to {tmp_path / 'exported'}.\n"
    layer = keras.layers.TFSMLayer(tmp_path / "exported", call_endpoint="serve")
    np.testing.assert_allclose(layer(X), model(X), rtol=1e-5, atol=1e-6)
    with pytest.raises(FileExistsError, match="overwrite"):
        model.export(tmp_path / "exported")


@pytest.mark.parametrize(
    ("format", "name"), [("tf_saved_model", "saved_model"), ("litert", "litert"), ("onnx", "onnx")]
)
def test_every_format_is_that_of_the_package(monkeypatch, small, format, name):
    calls = []
    monkeypatch.setattr(kae.export, name, lambda *args, **kwargs: calls.append((args, kwargs)) or "card")
    model = small()
    assert model.export("place", format, license="MIT") == "card"
    assert calls == [((model, "place"), {"license": "MIT"})]


def test_what_the_package_does_not_export_is_refused(small):
    with pytest.raises(ValueError, match=r"`format` must be .* Received: .*openvino"):
        small().export("place", format="openvino")
    with pytest.raises(ValueError, match=r"`input_signature` must be left out"):
        small().export("place", input_signature=[tf.TensorSpec([None, 8, 8, 1])])
    with pytest.raises(ValueError, match="call `fit` before the export"):
        kae.models.VAE().export("place")
