"""What a .tflite file holds: the signatures that were asked for, and tensors that have names."""

import re
import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from tiers import first

import keras_ae as kae
from keras_ae.export.card.card import QUANTIZE
from keras_ae.export.litert import calibration
from keras_ae.export.litert.convert import convert
from keras_ae.export.litert.flatbuffer import float_operations, pack
from keras_ae.export.signatures import device
from keras_ae.export.signatures.device import DeviceSignatures
from keras_ae.networks import ConvDecoder, ConvEncoder

pytestmark = pytest.mark.usefixtures("in_process")
NAMES = [name for name in device.NAMES if name != "score"]  # of models; test_detectors.py has the other


@pytest.fixture(scope="module")
def convolutions():
    """A VAE with all kinds of layers with weights, and biases that are not left out."""
    model = kae.models.VAE(ConvEncoder((8,)), ConvDecoder((8, 4)), latent_dim=2)
    model.build((None, 8, 8, 1))
    rng = np.random.default_rng(0)
    model.set_weights([w if w.any() else rng.normal(size=w.shape, scale=0.1) for w in model.get_weights()])
    return model


def read(path):
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


@pytest.mark.parametrize("quantize", first(1, QUANTIZE))
def test_all_tensors_have_short_names_by_layer_and_operation(convolutions, tmp_path, quantize):
    signatures = DeviceSignatures(convolutions, 1, encoder=True)
    calls = calibration.calibration(signatures, None) if quantize == "int8" else None
    content = convert(signatures, tmp_path / "saved_model", quantize, calls)
    layers = {weight.path.split("/", 1)[1].rpartition("/")[0] for weight in convolutions.weights}
    found = set()
    for graph in content.subgraphs:
        names = [tensor.name for tensor in graph.tensors]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[\w/]{1,60}", name) for name in names)
        found |= {name.rpartition("/")[0] for name in names}
    assert layers <= found  # such as decoder/conv2d_transpose_1


def test_inputs_and_outputs_are_called_as_in_the_signature(cvae, tmp_path):
    card = kae.export.litert(cvae, tmp_path / "a.tflite", encoder=True)
    interpreter = Interpreter(str(card.path))
    assert {detail["name"] for detail in interpreter.get_input_details()} == {"z", "condition"}
    assert [detail["name"] for detail in interpreter.get_output_details()] == ["x"]
    content = read(card.path)
    for definition in content.signatureDefs:
        tensors = content.subgraphs[definition.subgraphIndex].tensors
        for entry in definition.inputs:
            assert tensors[entry.tensorIndex].name == entry.name
        for entry in definition.outputs:  # `reconstruct` takes x and gives x
            assert tensors[entry.tensorIndex].name.decode() in (entry.name.decode(), "x_out")


def test_names_are_cheap(cvae, tmp_path):
    content = convert(DeviceSignatures(cvae, 1), tmp_path / "saved_model", "none", None)
    total = len(pack(content, {}))
    tensors = [tensor for graph in content.subgraphs for tensor in graph.tensors]
    for tensor in tensors:
        tensor.name = None
    assert total - len(pack(content, {})) < 32 * len(tensors)


@pytest.mark.parametrize("names", ["decode", ("reconstruct", "decode"), *first(1, [((name,),) for name in NAMES])])
@pytest.mark.parametrize("quantize", ["none", pytest.param("int8", marks=pytest.mark.slow)])
def test_a_file_holds_the_signatures_that_were_asked_for(cvae, tmp_path, names, quantize):
    card = kae.export.litert(cvae, tmp_path / "a.tflite", signatures=names, quantize=quantize, batch_size=2)
    names = [name for name in NAMES if name in ([names] if isinstance(names, str) else names)]
    assert sorted(card.signatures) == sorted(names) and card.quality["samples"] == 1000
    assert card.latency[f"{names[0]}_us"] > 0
    assert set(card.omitted) == set(NAMES) - set(names)
    text = card.path.with_name("a.tflite.card.md").read_text()
    for name in card.omitted:
        assert f"There is no `{name}`: `signatures` omits it." in text
    assert kae.export.litert_metadata(card.path)["omitted"] == card.omitted
    assert kae.export.verify(card.path).ok
    content = read(card.path)
    operations = {operator.opcodeIndex for graph in content.subgraphs for operator in graph.operators}
    assert operations == set(range(len(content.operatorCodes)))  # nothing is left of the others
    codes = {code.builtinCode for code in content.operatorCodes}
    assert (schema.BuiltinOperator.BITWISE_XOR in codes) == ("generate" in names)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"signatures": ("draw",)}, r"`signatures` must be some of .*'decode'.* Received: \('draw',\)"),
        ({"signatures": ()}, r"`signatures` must be some of .* Received: \(\)"),
        ({"signatures": 3}, "`signatures` must be some of .* Received: 3"),
        ({"signatures": ("encode",), "encoder": True}, "`encoder` must be omitted"),
        ({"signatures": ("generate",)}, "the model has no prior to sample from"),
    ],
)
def test_wrong_signatures_are_refused(small, tmp_path, arguments, sentence):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    with pytest.raises(ValueError, match=sentence):
        kae.export.litert(model, tmp_path / "a.tflite", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_classifier_does_not_judge_codes(cvae, digits, tmp_path):
    import keras

    reader = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    x, labels = digits
    judges = {"classifier": reader, "examples": (x[:20], labels[:20])}
    with pytest.raises(ValueError, match="`classifier` needs a signature with the output `x`"):
        kae.export.litert(cvae, tmp_path / "a.tflite", signatures="encode", **judges)


INTEGER = [("decode",), ("encode",), pytest.param(("decode", "reconstruct"), marks=pytest.mark.slow)]


@pytest.mark.parametrize("names", INTEGER)
def test_integers_go_in_and_come_out(cvae, tmp_path, names):
    options = {"quantize": "int8", "inference_io": "int8", "batch_size": 2}
    card = kae.export.litert(cvae, tmp_path / "a.tflite", signatures=names, **options)
    assert sorted(card.signatures) == sorted(names) and kae.export.verify(card.path).ok
    described = kae.export.litert_metadata(card.path)["signatures"]
    for name in names:
        runner = Interpreter(str(card.path)).get_signature_runner(name)
        details = {**runner.get_input_details(), **runner.get_output_details()}
        tensors = {**described[name]["inputs"], **described[name]["outputs"]}
        assert tensors.keys() == details.keys()
        for key, tensor in tensors.items():
            assert tensor["dtype"] == ("int32" if key == "condition" else "int8")
            if key != "condition":
                assert (tensor["scale"], tensor["zero_point"]) == details[key]["quantization"]
    content = read(card.path)
    assert not float_operations(content) and not any("computed in float32" in limit for limit in card.limits)
    for graph in content.subgraphs:  # not one float is left
        assert schema.TensorType.FLOAT32 not in {tensor.type for tensor in graph.tensors}


def test_operations_that_stay_float32_are_said(cvae, tmp_path, monkeypatch):
    content = read(kae.export.litert(cvae, tmp_path / "a.tflite", signatures="decode", quantize="int8").path)
    assert {"QUANTIZE", "DEQUANTIZE", "LOGISTIC"} <= set(float_operations(content))
    assert "FULLY_CONNECTED" not in float_operations(content)
    monkeypatch.setattr(sys.modules["keras_ae.export.litert.convert"], "float_operations", lambda model: ["EXP", "LOG"])
    card = kae.export.litert(cvae, tmp_path / "b.tflite", quantize="int8", inference_io="int8")
    assert "Some operations are computed in float32: EXP, LOG." in card.limits


def test_integers_are_the_default_signatures_without_noise(cvae, tmp_path):
    card = kae.export.litert(cvae, tmp_path / "a.tflite", quantize="int8", inference_io="int8")
    assert list(card.signatures) == ["decode"] and "noise is float32" in card.omitted["generate"]
    assert any("int8 has no NaN" in limit for limit in card.limits)
    steps = kae.export.litert_metadata(card.path)["signatures"]["decode"]
    z, x = np.float32([[0.5, -1.0, 0.0, 1.5]]), steps["outputs"]["x"]
    given = np.round(z / steps["inputs"]["z"]["scale"] + steps["inputs"]["z"]["zero_point"]).astype(np.int8)
    found = Interpreter(str(card.path)).get_signature_runner("decode")(z=given, condition=np.int32([3]))["x"]
    assert found.dtype == np.int8
    found = x["scale"] * (found.astype(np.float32) - x["zero_point"])
    np.testing.assert_allclose(found, cvae.decode(z, 3), atol=0.03)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"inference_io": "int16"}, '`inference_io` must be "float32" or "int8"'),
        ({"inference_io": "int8"}, "`inference_io='int8'` needs quantize='int8'. Received: quantize='none'"),
        ({"inference_io": "int8", "quantize": "int8", "signatures": "generate"}, "noise is float32"),
    ],
)
def test_wrong_integers_are_refused(cvae, tmp_path, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kae.export.litert(cvae, tmp_path / "a.tflite", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_codebook_is_not_searched_in_integers(tmp_path):
    model = kae.models.VQVAE(num_codes=8, latent_dim=8)
    model.build((None, 8, 8, 1))
    with pytest.raises(ValueError, match=r"`signatures` must be 'decode' .* codebook"):
        kae.export.litert(model, tmp_path / "a.tflite", quantize="int8", inference_io="int8", signatures="encode")
