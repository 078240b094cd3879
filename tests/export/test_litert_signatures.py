"""What a .tflite file holds: the signatures that were asked for, and tensors that have names."""

import re

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae
from keras_ae.export import calibration
from keras_ae.export.conversion import QUANTIZE, convert
from keras_ae.export.device import NAMES, DeviceSignatures
from keras_ae.export.flatbuffer import pack
from keras_ae.networks import ConvDecoder, ConvEncoder

pytestmark = pytest.mark.usefixtures("in_process")


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


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_all_tensors_have_short_names_and_weights_those_of_keras(convolutions, tmp_path, quantize):
    signatures = DeviceSignatures(convolutions, 1, encoder=True)
    calls = calibration.calibration(signatures, None) if quantize == "int8" else None
    content = convert(signatures, tmp_path / "saved_model", quantize, calls)
    paths = {weight.path.split("/", 1)[1]: tuple(weight.shape) for weight in convolutions.weights}
    found = {}
    for graph in content.subgraphs:
        names = [tensor.name for tensor in graph.tensors]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[\w/]{1,60}", name) for name in names)
        found |= {name: graph.tensors[number].shape for number, name in enumerate(names)}
    assert set(paths) <= set(found)  # such as decoder/conv2d_transpose_1/kernel
    for name, shape in paths.items():
        assert sorted(int(size) for size in found[name] if size > 1) == sorted(size for size in shape if size > 1)


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


@pytest.mark.parametrize("names", [(name,) for name in NAMES] + [("reconstruct", "decode"), "decode"])
@pytest.mark.parametrize("quantize", ["none", pytest.param("int8", marks=pytest.mark.slow)])
def test_a_file_holds_the_signatures_that_were_asked_for(cvae, tmp_path, names, quantize):
    card = kae.export.litert(cvae, tmp_path / "a.tflite", signatures=names, quantize=quantize, batch_size=2)
    names = [name for name in NAMES if name in ([names] if isinstance(names, str) else names)]
    assert sorted(card.signatures) == sorted(names) and card.quality["samples"] == 1000
    assert card.latency[f"{names[0]}_us"] > 0
    assert set(card.omitted) == set(NAMES) - set(names)
    text = card.path.with_name("a.tflite.card.md").read_text()
    for name in card.omitted:
        assert f"There is no `{name}`: `signatures` did not name it." in text
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
        ({"signatures": ("draw",)}, r"`signatures` must be one or several of .*'decode'.* Received: \('draw',\)"),
        ({"signatures": ()}, r"`signatures` must be one or several of .* Received: \(\)"),
        ({"signatures": 3}, "`signatures` must be one or several of .* Received: 3"),
        ({"signatures": ("encode",), "encoder": True}, "`encoder` must be left out"),
        ({"signatures": ("generate",)}, "the model has no prior to draw from"),
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
    with pytest.raises(ValueError, match="`classifier` must be left out of a file that gives no `x`"):
        kae.export.litert(cvae, tmp_path / "a.tflite", signatures="encode", **judges)
