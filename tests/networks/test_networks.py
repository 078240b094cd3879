import numpy as np
import pytest

from keras_ae import networks


@pytest.mark.parametrize("event", [(28, 28, 1), (7, 9, 3), (1, 1, 2), (33, 16, 1)])
def test_conv_decoder_gives_back_the_size_of_any_image(event):
    encoder, decoder = networks.ConvEncoder([4, 6, 8]), networks.ConvDecoder([4, 6, 8])
    encoder.build((None, *event))
    features = encoder(np.zeros([2, *event], "float32"))
    assert features.shape == (2, encoder.output_size)
    decoder.build((None, 5), event)
    assert decoder(np.zeros([2, 5], "float32")).shape == (2, *event[:2], 4)


@pytest.mark.parametrize("network", [networks.MLP([6]), networks.ConvEncoder([3])])
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


@pytest.mark.parametrize("hidden", [[], [0], [4, -1], [2.5], 7, "ab", None])
def test_widths_that_are_none_are_refused(hidden):
    with pytest.raises(ValueError, match="`hidden` must be a sequence of positive integers"):
        networks.MLP(hidden)


def test_conv_refuses_data_that_are_no_images():
    with pytest.raises(ValueError, match=r"`ConvEncoder` takes images \[H, W, C\]\. Received: .* shape \(20,\)"):
        networks.ConvEncoder().build((None, 20))
    with pytest.raises(ValueError, match=r"`ConvDecoder` gives images \[H, W, C\]"):
        networks.ConvDecoder().build((None, 2), (20,))
