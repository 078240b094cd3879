"""Rounded networks: integers where they were asked for, floats everywhere else, and small."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

import keras_ae as kae
from keras_ae.export.card.card import QUANTIZE
from keras_ae.export.litert import calibration
from keras_ae.export.litert.calibration import RealExamples
from keras_ae.export.signatures.device import DeviceSignatures
from keras_ae.networks import ConvDecoder, ConvEncoder

TYPES = {value: name for name, value in vars(schema.TensorType).items() if name.isupper()}
CODES = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}


@pytest.fixture(scope="module")
def mnist_cvae():
    """The default CVAE for pictures as those of MNIST."""
    model = kae.models.ConditionalVAE(condition=kae.Categorical(10))
    model.build((None, 28, 28, 1))
    rng = np.random.default_rng(0)  # a bias of 0 is left out of a file
    for part in (model.decoder, model.likelihood_layer):
        part.set_weights([w if w.any() else rng.normal(size=w.shape, scale=0.1) for w in part.get_weights()])
    return model


@pytest.fixture(scope="module")
def cards(mnist_cvae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    return {
        quantize: kae.export.litert(mnist_cvae, folder / f"{quantize}.tflite", quantize=quantize)
        for quantize in QUANTIZE
    }


def operations(card, signature):
    """[(operation, types of its inputs, types of its outputs)]"""
    model = schema.ModelT.InitFromPackedBuf(card.path.read_bytes(), 0)
    (definition,) = (d for d in model.signatureDefs if d.signatureKey.decode() == signature)
    graph = model.subgraphs[definition.subgraphIndex]

    def types(indices):
        return [TYPES[graph.tensors[index].type] for index in indices if index >= 0]

    names = [CODES[code.builtinCode] for code in model.operatorCodes]
    return [(names[op.opcodeIndex], types(op.inputs), types(op.outputs)) for op in graph.operators]


@pytest.mark.slow
def test_the_int8_file_of_the_default_cvae_is_below_250_kb(cards):
    sizes = {quantize: card.bytes["total"] for quantize, card in cards.items()}
    assert sizes["int8"] < 250_000 and sizes["dynamic"] < 250_000
    assert sizes["int8"] <= 0.30 * sizes["none"]
    assert sizes["fp16"] <= 0.52 * sizes["none"]
    weights = cards["none"].bytes["weights"]
    assert weights < sizes["none"] < 1.03 * weights  # once, though two signatures use them


def test_networks_are_integers_and_the_noise_is_float32(cards):
    for signature in ("decode", "generate"):
        layers = [entry for entry in operations(cards["int8"], signature) if entry[0] == "FULLY_CONNECTED"]
        assert layers == [("FULLY_CONNECTED", ["INT8", "INT8", "INT32"], ["INT8"])] * 3
    found = {name: (inputs, outputs) for name, inputs, outputs in operations(cards["int8"], "generate")}
    for name in ("COS", "LOG", "SQRT", "LOGISTIC"):
        assert found[name] == (["FLOAT32"], ["FLOAT32"])


def call(card, name, **inputs):
    return Interpreter(str(card.path)).get_signature_runner(name)(**inputs)["x"]


@pytest.mark.parametrize("quantize", QUANTIZE)
@pytest.mark.parametrize("label", [-1, 10, 2**31 - 1])
def test_an_unknown_label_gives_nan_never_a_wrong_picture(cards, quantize, label):
    condition = np.int32([label])
    assert np.isnan(call(cards[quantize], "decode", z=np.zeros([1, 8], np.float32), condition=condition)).all()
    found = call(cards[quantize], "generate", seed=np.int32([1]), row=np.int32([0]), condition=condition)
    assert np.isnan(found).all()


@pytest.mark.parametrize("quantize", QUANTIZE)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_code_that_is_not_finite_gives_nan(cards, quantize, value):
    z = np.float32([[0, value, 0, 0, 0, 0, 0, 0]])
    assert np.isnan(call(cards[quantize], "decode", z=z, condition=np.int32([1]))).all()


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_operations_are_builtin_and_shapes_static(cards, quantize):
    content = schema.ModelT.InitFromPackedBuf(cards[quantize].path.read_bytes(), 0)
    assert [code.customCode for code in content.operatorCodes if code.customCode] == []
    for graph in content.subgraphs:
        for tensor in graph.tensors:
            assert tensor.shapeSignature is None or -1 not in tensor.shapeSignature
    assert [definition.signatureKey.decode() for definition in content.signatureDefs] == ["decode", "generate"]


def test_errors_are_those_of_the_rounding(cards):
    errors = {quantize: card.quality["relative"] for quantize, card in cards.items()}
    assert errors["none"] < 1e-6 < errors["fp16"] < 2e-3 < errors["int8"] < 0.1
    assert errors["fp16"] < errors["dynamic"] < 0.05


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_generate_decodes_the_codes_of_keras(cards, mnist_cvae, quantize):
    """Whatever is rounded, the noise is not: pictures are those of the codes that Keras draws."""
    interpreter = Interpreter(str(cards[quantize].path))
    decode, generate = (interpreter.get_signature_runner(name) for name in ("decode", "generate"))
    codes = mnist_cvae.sample_codes(20, np.arange(20) % 10, seed=3).numpy()
    for row in range(20):
        condition = np.int32([row % 10])
        found = generate(seed=np.int32([3]), row=np.int32([row]), condition=condition)["x"]
        # 1e-7 between two cosines may be a step of an integer: 1/60 of a logit that reaches 2.
        limit = 0.01 if quantize in ("dynamic", "int8") else 1e-6
        np.testing.assert_allclose(found, decode(z=codes[row : row + 1], condition=condition)["x"], atol=limit)


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_a_card_says_where_no_classifier_has_judged(cards, quantize):
    said = any("Neither a classifier nor a distance" in limit for limit in cards[quantize].limits)
    assert said == (quantize in ("dynamic", "int8"))


def test_weights_begin_at_multiples_of_16_bytes(cards):
    """As LiteRT's schema asks for: code for processors with vectors may read them in place."""
    for card in cards.values():
        model = schema.Model.GetRootAs(card.path.read_bytes(), 0)
        for number in range(model.BuffersLength()):
            buffer = model.Buffers(number)
            if not buffer.DataIsNone():
                assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0


def test_int8_is_calibrated_with_codes_of_the_prior_under_the_conditions_of_examples(small):
    model = small({"digit": kae.Categorical(3), "tilt": kae.Continuous(2)})
    x = np.random.default_rng(0).random((7, 8, 8, 1)).astype(np.float32)
    values = {"digit": np.int32([2] * 7), "tilt": np.full([7, 2], 5.0, np.float32)}
    signatures = DeviceSignatures(model, 2, encoder=True)
    calls = calibration.calibration(signatures, RealExamples.of(model, (x, values)))
    assert set(calls) == {"decoder", "encoder"} and len(calls["encoder"]) == 512  # 1024 rows, two a call
    codes = np.concatenate([call["z"] for call in calls["decoder"]])
    # Logarithms, cosines and matrix products of few and of many rows at once may be rounded differently.
    each = {k: v[0] for k, v in values.items()}
    drawn = model.sample_codes(1024, each, seed=1)
    np.testing.assert_allclose(codes[:1024], drawn, rtol=1e-5, atol=1e-6)
    seen = np.concatenate([call["x"] for call in calls["encoder"]])
    np.testing.assert_allclose(codes[1024:], model.encode(seen, each), rtol=1e-4, atol=1e-6)
    assert {tuple(row.ravel()) for row in seen} == {tuple(row.ravel()) for row in x}
    context = model.condition({k: v[:2] for k, v in values.items()})
    for call in calls["decoder"] + calls["encoder"]:
        np.testing.assert_allclose(call["context"], context, rtol=1e-6)


def test_int8_of_a_model_without_prior_asks_for_examples(small, tmp_path):
    model = small(posterior="deterministic", prior=None, objective="reconstruction")
    with pytest.raises(ValueError, match="`examples` are needed to calibrate int8"):
        kae.export.litert(model, tmp_path / "a.tflite", quantize="int8")
    x = np.random.default_rng(0).random((20, 8, 8, 1)).astype(np.float32)
    card = kae.export.litert(model, tmp_path / "a.tflite", quantize="int8", examples=x)
    assert card.quality["samples"] == 1000 and 0 < card.quality["rms"] < 0.02


CONVOLUTIONS = (64, 128, 256)  # a decoder of a million weights, 4 MB in float32


@pytest.mark.slow
def test_the_int8_file_of_a_convolutional_decoder_has_a_third_at_most(tmp_path, in_process):
    networks = ConvEncoder((8,)), ConvDecoder(CONVOLUTIONS)
    model = kae.models.VAE(*networks, latent_dim=8)
    model.build((None, 32, 32, 3))
    cards = {
        quantize: kae.export.litert(model, tmp_path / f"{quantize}.tflite", quantize=quantize)
        for quantize in ("none", "int8")
    }
    sizes = {quantize: card.bytes["total"] for quantize, card in cards.items()}
    assert sizes["none"] > 500_000
    assert sizes["int8"] <= 0.30 * sizes["none"]


@pytest.mark.parametrize(
    "event_shape", [(1,), pytest.param((20, 2), marks=pytest.mark.slow)], ids=["table", "sequence"]
)
def test_tables_and_sequences_are_exported_in_int8_and_judged_in_their_own_values(
    small, tmp_path, in_process, event_shape
):
    """A call has one row, whose values may lie close together: the spread is that of the samples."""
    model = small(event_shape=event_shape, likelihood="normal")
    x = np.random.default_rng(0).normal(size=(200, *event_shape)).astype(np.float32)
    card = kae.export.litert(model, tmp_path / "a.tflite", quantize="int8", examples=x)
    assert card.quality["spread"] < 0.1 and card.quality["frechet_distance"]["change"] < 0.05
    assert not any("not judged" in limit for limit in card.limits)
    assert kae.export.verify(card.path).ok
