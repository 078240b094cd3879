import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special
from tiers import checkered, first

import keras_ae as kae
from keras_ae import networks

EVENTS = [(28, 28, 1), (7, 9, 3), (1, 1, 2), (33, 16, 1), (20, 3), (1, 1), (31, 1), (4, 5, 6, 2), (1, 3, 9, 1)]
PAIRS = {
    "mlp": lambda: (networks.MLP([6]), networks.MLP([5])),
    "gated_mlp": lambda: (networks.GatedMLP([6]), networks.GatedMLP([5])),
    "conv": lambda: (networks.ConvEncoder([4, 6]), networks.ConvDecoder([4, 6])),
    "resnet": lambda: (networks.ResNetEncoder([4, 6], blocks=1), networks.ResNetDecoder([4, 6], blocks=1)),
}
ENCODERS = [pair()[0] for pair in PAIRS.values()]


def test_every_network_is_tried_here():
    assert set(PAIRS) == set(networks.ENCODERS) == set(networks.DECODERS)


@pytest.mark.parametrize("name", ["conv", "resnet"])
@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_decoder_gives_back_the_size_of_any_sequence_image_or_volume(name, event):
    encoder, decoder = PAIRS[name]()
    encoder.build((None, *event))
    features = encoder(np.zeros([2, *event], "float32"))
    assert features.shape == (2, encoder.output_size)
    assert encoder.output_size == 6 * np.prod([-(-length // 4) for length in event[:-1]])
    decoder.build((None, 5), event)
    assert decoder(np.zeros([2, 5], "float32")).shape == (2, *event[:-1], 4)


@pytest.mark.parametrize(("name", "event"), checkered(PAIRS, [(7, 9, 3), (11, 2), (3, 4, 5, 2)]), ids=str)
def test_conditional_models_of_every_network_and_size(name, event):
    encoder, decoder = PAIRS[name]()
    model = kae.models.ConditionalVAE(encoder, decoder, latent_dim=2, condition=kae.Categorical(3), likelihood="normal")
    assert model._prefers_xla is (name not in ("conv", "resnet"))
    x = np.random.default_rng(0).normal(size=(4, *event)).astype("float32")
    assert model.reconstruct(x, [0, 1, 2, 0]).shape == x.shape
    assert model.sample(2, [0, 1]).shape == (2, *event)
    assert np.ptp(model.decode(np.zeros([2, 2]), [0, 1]), axis=0).max() > 1e-4  # the condition is seen


@pytest.mark.parametrize("network", ENCODERS)
def test_context_reaches_the_features_of_its_own_row(network):
    x, context = np.random.rand(3, 8, 8, 2).astype("float32"), np.zeros([3, 4], "float32")
    network.build([(None, 8, 8, 2), (None, 4)])
    before = network([x, context]).numpy()
    context[1] = 1.0
    changed = np.abs(network([x, context]).numpy() - before).max(axis=1) > 0
    assert changed.tolist() == [False, True, False]


def test_mlp_equals_numpy():
    network = networks.MLP([3, 2], activation="tanh")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    output = network(x).numpy()
    (w1, b1), (w2, b2) = (layer.get_weights() for layer in network.layers)
    np.testing.assert_allclose(output, np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2), rtol=1e-5, atol=1e-6)


def test_gated_mlp_equals_numpy():
    network = networks.GatedMLP([3, 2])
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    output = network(x).numpy()
    for layer, width in zip(network.layers, (3, 2), strict=True):
        kernel, bias = layer.get_weights()
        linear, gate = np.split(x @ kernel + bias, [width], axis=1)
        x = linear * special.expit(gate)
    np.testing.assert_allclose(output, x, rtol=1e-5, atol=1e-6)


def test_convolution_over_a_sequence_equals_numpy():
    network = networks.ConvEncoder([2], kernel_size=3)
    x = np.random.default_rng(0).normal(size=(1, 7, 3)).astype("float32")
    output = network(x).numpy().reshape(4, 2)
    kernel, bias = network.layers[0].get_weights()
    padded = np.pad(x[0], [[1, 1], [0, 0]])
    expected = [np.einsum("kc,kcf->f", padded[2 * i : 2 * i + 3], kernel) + bias for i in range(4)]
    np.testing.assert_allclose(output, np.maximum(expected, 0), rtol=1e-5, atol=1e-6)


def test_residual_blocks_start_as_the_identity_and_learn_all_of_their_weights():
    plain, residual = networks.ConvEncoder([4, 6]), networks.ResNetEncoder([4, 6], blocks=3)
    x = np.random.default_rng(0).normal(size=(2, 9, 8, 3)).astype("float32")
    before = residual(x)
    plain.build(x.shape)
    for layer, same in zip(plain.layers, residual.layers[::4], strict=True):
        layer.set_weights(same.get_weights())
    np.testing.assert_allclose(before, plain(x), rtol=1e-5, atol=1e-6)  # rounding: another sequence of operations
    rng = np.random.default_rng(1)
    residual.set_weights([w + rng.normal(size=w.shape, scale=0.1) for w in residual.get_weights()])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(residual(x))
    gradients = tape.gradient(loss, residual.trainable_variables)
    assert len(gradients) == 2 * 2 * (1 + 3 * 2)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


@pytest.mark.parametrize("name", first(2, PAIRS))
def test_a_network_that_is_not_the_default_survives_its_file(name, tmp_path):
    model = kae.models.VAE(*PAIRS[name](), latent_dim=2)
    x = np.random.default_rng(0).random((3, 5, 6, 1)).astype("float32")
    expected = model.reconstruct(x)
    model.save(tmp_path / "model.keras")
    loaded = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.reconstruct(x), expected)
    for part in ("encoder", "decoder"):
        config = getattr(model, part).get_config()
        again = type(getattr(model, part)).from_config(config)
        assert again.get_config() == getattr(loaded, part).get_config() == config


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "event"),
    [("conv", (9, 2)), ("conv", (5, 4, 3, 1)), ("resnet", (6, 1)), ("resnet", (3, 5, 4, 2))],
    ids=str,
)
def test_decoders_of_sequences_and_volumes_run_on_devices(name, event, tmp_path):
    """Those of images are in tests/export."""
    model = kae.models.VAE(*PAIRS[name](), latent_dim=2, likelihood="normal")
    model.build((None, *event))
    for quantize, limit in (("none", 1e-5), ("dynamic", 0.05)):
        card = kae.export.litert(model, tmp_path / f"{quantize}.tflite", quantize=quantize)
        assert card.errors["generate"]["x"]["max"] < limit


@pytest.mark.parametrize("network", [networks.MLP, networks.GatedMLP])
@pytest.mark.parametrize("hidden", [[], [0], [4, -1], [2.5], 7, "ab", None])
def test_widths_that_are_none_are_refused(network, hidden):
    with pytest.raises(ValueError, match="`hidden` must be a sequence of positive integers"):
        network(hidden)


@pytest.mark.parametrize("network", [networks.MLP, networks.ConvEncoder, networks.ResNetDecoder])
@pytest.mark.parametrize("activation", ["rellu", 3, None, keras.activations.relu])
def test_activations_that_have_no_name_in_keras_are_refused(network, activation):
    with pytest.raises(ValueError, match="`activation` must be a name that Keras knows"):
        network(activation=activation)


def test_conv_refuses_data_without_places():
    with pytest.raises(ValueError, match=r"`ConvEncoder` takes sequences .* or volumes .* shape \(20,\)"):
        networks.ConvEncoder().build((None, 20))
    with pytest.raises(ValueError, match=r"`ResNetDecoder` gives sequences \[T, C\], images \[H, W, C\] or"):
        networks.ResNetDecoder().build((None, 2), (2, 2, 2, 2, 2))
    with pytest.raises(ValueError, match="`blocks` must be a positive integer"):
        networks.ResNetEncoder(blocks=0)
