"""Codes from several codebooks that follow each other, against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.latents import ResidualVectorQuantizer, VectorQuantizer

FEATURES = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def quantizer(depth=3, **arguments):
    """Codebooks of four entries of two values; codes of three places."""
    layer = ResidualVectorQuantizer(4, code_dim=2, depth=depth, **arguments)
    layer.set_latent_dim(6)
    layer.build((None, 5))
    rng = np.random.default_rng(1)
    layer.dense.set_weights([rng.normal(size=w.shape) for w in layer.dense.get_weights()])
    for book in layer.books:
        entries = rng.normal(size=(4, 2)).astype("float32")
        book.entries.assign(entries)
        book.sums.assign(entries)
    return layer


def expected_codes(layer, features=FEATURES):
    """z_e [N, 2], and of each codebook the numbers [N], the entries and what was left over before it [N, 2]."""
    kernel, bias = layer.dense.get_weights()
    given = (features.astype("float64") @ kernel + bias).reshape(-1, 2)
    rest, steps = given, []
    for entries in layer.codebooks.numpy():
        index = ((rest[:, np.newaxis] - entries) ** 2).sum(axis=-1).argmin(axis=1)
        steps.append((index, entries[index], rest))
        rest = rest - entries[index]
    return given, steps


def test_codes_are_sums_of_the_entries_nearest_to_what_is_left():
    layer = quantizer()
    params = layer(FEATURES)
    _, steps = expected_codes(layer)
    q = layer.distribution(params)
    total = sum(entries for _, entries, _ in steps).reshape(6, 6)
    np.testing.assert_allclose(layer.mean(params), total, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(q.sample(2, seed=[0, 0])[1], total, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(q.index, np.stack([index for index, *_ in steps], axis=1).reshape(6, 9))


def test_errors_of_the_codebooks_equal_numpy():
    layer = quantizer(update="gradient")
    _, steps = expected_codes(layer)
    q = layer.distribution(layer(FEATURES))
    left = np.stack([rest - entries for _, entries, rest in steps])  # [depth, 18, 2], z_e less the z_q so far
    error = (left**2).sum(axis=(0, 2)).reshape(6, 3).sum(axis=1)
    np.testing.assert_allclose(q.commitment(), error, rtol=1e-4)
    np.testing.assert_allclose(q.codebook_error(), error, rtol=1e-4)
    perplexities = []
    for index, *_ in steps:
        shares = np.bincount(index, minlength=4)[np.unique(index)] / 18
        perplexities.append(np.exp(-(shares * np.log(shares)).sum()))
    assert float(q.perplexity(tf.fill([len(q.index)], 1 / len(q.index)))) == pytest.approx(
        np.mean(perplexities), rel=1e-5
    )
    assert float(tf.reduce_sum(quantizer().distribution(layer(FEATURES)).codebook_error())) == 0  # moving averages


def is_zero(gradient):
    return gradient is None or not tf.convert_to_tensor(gradient).numpy().any()


def test_gradients_go_to_the_encoder_and_to_each_codebook_its_own():
    layer = quantizer(update="gradient")
    _, steps = expected_codes(layer)
    kernel, bias = layer.dense.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        q = layer.distribution(layer(FEATURES))
        commitment, error = tf.reduce_sum(q.commitment()), tf.reduce_sum(q.codebook_error())
        straight = tf.reduce_sum(q.sample(1, seed=[0, 0]))
    left = sum(2 * (rest - entries) for _, entries, rest in steps)  # d commitment / d z_e
    np.testing.assert_allclose(tape.gradient(commitment, bias), left.reshape(6, 6).sum(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(tape.gradient(straight, bias), np.full(6, 6.0), rtol=1e-6)
    assert is_zero(tape.gradient(error, kernel))
    for book, (index, entries, rest) in zip(layer.books, steps, strict=True):
        expected = np.zeros([4, 2])
        np.add.at(expected, index, 2 * (entries - rest))
        gradient = tf.convert_to_tensor(tape.gradient(error, book.entries.value))
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)
        for other in (commitment, straight):
            assert is_zero(tape.gradient(other, book.entries.value))


def test_each_codebook_learns_from_what_is_left_for_it():
    """K-means of what is left: with decay 0 an entry is the mean of what is nearest to it."""
    layer = quantizer(decay=0.0, revive_below=0)
    _, steps = expected_codes(layer)
    layer(FEATURES, training=True)
    for book, (index, _, rest) in zip(layer.books, steps, strict=True):
        for k in np.unique(index):
            np.testing.assert_allclose(book.entries[k], rest[index == k].mean(axis=0), rtol=1e-3, atol=1e-4)


def test_error_decreases_with_depth():
    """Codebooks that were fitted leave less with every one more, and four times two bits less than two bits."""
    features = np.random.default_rng(3).normal(size=(400, 5)).astype("float32")
    layer = quantizer(depth=4, decay=0.5, revive_below=0.01)
    learn = tf.function(lambda: layer(features, training=True))
    for _ in range(30):
        learn()
    given, steps = expected_codes(layer, features)
    errors = [np.mean(given**2), *(np.mean((rest - entries) ** 2) for _, entries, rest in steps)]
    assert (np.diff(errors) < 0).all(), errors
    assert errors[-1] < 0.2 * errors[1] < 0.2 * errors[0]


def test_with_a_depth_of_one_it_is_the_vector_quantizer():
    residual, plain = quantizer(depth=1), VectorQuantizer(4, code_dim=2)
    plain.set_latent_dim(6)
    plain.build((None, 5))
    for a, b in zip(plain.weights, residual.weights, strict=True):
        a.assign(b)
    for _ in range(2):
        found, expected = residual(FEATURES, training=True), plain(FEATURES, training=True)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)  # rounding: the two are two programs
    for a, b in zip(plain.weights, residual.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


X = (np.random.default_rng(0).random((70, 1)) * np.random.default_rng(1).random((1, 8)) > 0.3).astype("float32") * 0.9


@pytest.mark.slow
def test_a_model_survives_its_file_and_exports(tmp_path):
    keras.utils.set_random_seed(3)
    network = kae.networks.MLP
    model = kae.models.ResidualVQVAE(network([16]), network([16]), latent_dim=6, num_codes=8, code_dim=2, depth=2)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=True)
    history = model.fit(X, epochs=8, batch_size=16, verbose=0).history
    assert history["reconstruction"][-1] < history["reconstruction"][0] and 1 <= history["perplexity"][-1] <= 8
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.posterior(X).index, model.posterior(X).index)
    card = kae.export.saved_model(model, tmp_path / "1")
    assert card.errors["encode"]["z"]["max"] < 1e-5


def test_a_depth_that_is_none_is_refused():
    with pytest.raises(ValueError, match="`depth` must be a positive integer"):
        ResidualVectorQuantizer(depth=0)
    with pytest.raises(ValueError, match="must be a multiple of code_dim=16"):
        kae.models.ResidualVQVAE(latent_dim=24)
