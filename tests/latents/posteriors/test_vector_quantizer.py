"""Codes from a codebook, against NumPy."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.latents import VectorQuantizer
from keras_ae.latents.posteriors.codebook import Codebook
from keras_ae.objectives import VectorQuantization
from keras_ae.step_context import StepContext

FEATURES = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def quantizer(**arguments):
    """Four entries of two values; codes of three entries."""
    layer = VectorQuantizer(4, code_dim=2, **arguments)
    layer.set_latent_dim(6)
    layer.build((None, 5))
    rng = np.random.default_rng(1)
    layer.dense.set_weights([rng.normal(size=w.shape) for w in layer.dense.get_weights()])
    codebook = rng.normal(size=(4, 2)).astype("float32")
    layer.books[0].entries.assign(codebook)
    layer.books[0].sums.assign(codebook)
    return layer


def expected_codes(layer):
    """z_e [18, 2] and the numbers of the nearest entries [18]."""
    kernel, bias = layer.dense.get_weights()
    given = (FEATURES.astype("float64") @ kernel + bias).reshape(-1, 2)
    return given, ((given[:, np.newaxis] - layer.books[0].entries.numpy()) ** 2).sum(axis=-1).argmin(axis=1)


def test_codes_are_the_nearest_entries():
    layer = quantizer()
    params = layer(FEATURES)
    given, index = expected_codes(layer)
    np.testing.assert_array_equal(layer.mean(params), layer.books[0].entries.numpy()[index].reshape(6, 6))
    q = layer.distribution(params)
    np.testing.assert_array_equal(q.index, index.reshape(6, 3))
    np.testing.assert_allclose(q.sample(2, seed=[0, 0])[1], layer.mean(params), atol=1e-6)
    error = ((given - layer.books[0].entries.numpy()[index]) ** 2).reshape(6, 6).sum(axis=1)
    np.testing.assert_allclose(q.commitment(), error, rtol=1e-4)
    shares = np.bincount(index, minlength=4) / 18
    entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    assert float(q.perplexity(tf.fill([len(q.index)], 1 / len(q.index)))) == pytest.approx(np.exp(entropy), rel=1e-5)


def test_gradient_goes_straight_through_to_the_encoder():
    """d loss / d z_e is that of the decoder at z_q, and 2 beta (z_e - z_q) of the commitment."""
    layer = quantizer()
    weight = np.random.default_rng(2).normal(size=(6, 6)).astype("float32")
    params = layer(FEATURES)
    with tf.GradientTape() as tape:
        tape.watch(params)
        q = layer.distribution(params)
        loss = tf.reduce_sum(weight * q.sample(1, seed=[0, 0])[0] ** 2) + 0.25 * tf.reduce_sum(q.commitment())
    given, quantized = params[:, :6].numpy(), layer.mean(params).numpy()
    expected = 2 * weight * quantized + 0.5 * (given - quantized)
    np.testing.assert_allclose(tape.gradient(loss, params)[:, :6], expected, rtol=1e-4, atol=1e-5)


def test_gradient_codebook_gets_the_gradient_of_the_codebook_error():
    layer = quantizer(update="gradient")
    given, index = expected_codes(layer)
    with tf.GradientTape() as tape:
        q = layer.distribution(layer(FEATURES))
        loss = tf.reduce_sum(q.codebook_error() + q.commitment() + q.sample(1, seed=[0, 0])[0, :, 0])
    expected = np.zeros([4, 2])
    np.add.at(expected, index, 2 * (layer.books[0].entries.numpy()[index] - given))
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.books[0].entries.value))
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)


def test_moving_averages_equal_numpy():
    layer = quantizer(decay=0.9, revive_below=0)
    uses, sums = np.ones(4), layer.books[0].entries.numpy().astype("float64")
    for _ in range(3):
        given, index = expected_codes(layer)
        params = layer(FEATURES, training=True)
        np.testing.assert_array_equal(layer.distribution(params).index, index.reshape(6, 3))  # by the book as it was
        chosen = np.eye(4)[index]
        uses, sums = 0.9 * uses + 0.1 * chosen.sum(axis=0), 0.9 * sums + 0.1 * chosen.T @ given
        np.testing.assert_allclose(layer.books[0].uses, uses, rtol=1e-5)
        np.testing.assert_allclose(layer.books[0].entries, sums / uses[:, np.newaxis], rtol=1e-3)
    before = layer.books[0].entries.numpy()
    layer(FEATURES)
    np.testing.assert_array_equal(layer.books[0].entries, before)  # inference changes nothing


def test_without_training_the_averages_settle_at_the_means_of_what_is_nearest():
    """K-means: with decay 0 an entry is the mean of the values nearest to it."""
    layer = quantizer(decay=0.0, revive_below=0)
    given, index = expected_codes(layer)
    layer(FEATURES, training=True)
    for k in np.unique(index):
        np.testing.assert_allclose(layer.books[0].entries[k], given[index == k].mean(axis=0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_entries_that_are_not_used_become_values_of_the_batch(update):
    layer = quantizer(update=update, decay=0.5, revive_below=0.2)
    layer.books[0].entries.assign(tf.constant([[0.0, 0.0], [50.0, 50.0], [60.0, 60.0], [1.0, 0.0]]))
    layer.books[0].sums.assign(layer.books[0].entries)
    before = layer.books[0].entries.numpy()
    for _ in range(2):  # 1, 0.5, 0.25
        layer(FEATURES, training=True)
    if update == "gradient":
        np.testing.assert_array_equal(layer.books[0].entries, before)
    layer(FEATURES, training=True)
    rows = layer(FEATURES)[:, :6].numpy().reshape(-1, 2)
    for k in (1, 2):
        assert np.abs(rows - layer.books[0].entries.numpy()[k]).max(axis=1).min() < 1e-5
        assert float(layer.books[0].uses[k]) == 1.0
    assert np.abs(layer.books[0].entries.numpy()[1] - layer.books[0].entries.numpy()[2]).max() > 0


def model_of(update="ema", jit_compile=True):
    keras.utils.set_random_seed(3)
    network = kae.networks.MLP
    model = kae.Autoencoder(
        network([16]),
        network([16]),
        latent_dim=6,
        posterior=VectorQuantizer(8, code_dim=2, update=update),
        prior=None,
        objective="vector_quantization",
        condition=kae.Categorical(3),
    )
    model.compile(keras.optimizers.Adam(0.01), jit_compile=jit_compile)
    return model


@functools.cache
def taught(weight, steps=300):
    """The weights of a codebook after as many batches of one weight around four points, of which three are used."""
    book = Codebook(5, 2, update="ema", seed=0)
    book.build()
    book.entries.assign([[0.2, 0.2], [0.8, 0.2], [0.2, 0.8], [0.8, 0.8], [9.0, 9.0]])
    book.sums.assign(book.entries)
    arguments = {"decay": 0.9, "revive_below": 0.05}
    learn = tf.function(lambda rows: book.learn(rows, book(rows)[1], tf.fill([24], weight), **arguments))
    rng = np.random.default_rng(0)
    for _ in range(steps):
        rows = np.repeat([[0, 0], [1, 0], [0, 1]], 8, axis=0) + 0.05 * rng.normal(size=(24, 2))
        learn(tf.constant(rows, tf.float32))
    return [value.numpy() for value in (book.entries, book.uses, book.sums, book.steps)]


@pytest.mark.parametrize("scale", [1 / 2048, 64.0])
def test_a_common_weight_of_all_examples_makes_no_difference(scale):
    entries, uses, sums, steps = taught(1.0)
    scaled = taught(scale)
    np.testing.assert_allclose(scaled[0], entries, rtol=1e-4)
    np.testing.assert_allclose(scaled[1], scale * uses, rtol=1e-4)
    np.testing.assert_allclose(scaled[2], scale * sums, rtol=1e-4, atol=1e-4 * scale)
    assert steps == scaled[3] == 300


def test_a_batch_in_which_nothing_counts_teaches_nothing():
    before, after = taught(0.0, steps=0), taught(0.0, steps=60)
    for first, last in zip(before[1:], after[1:], strict=True):
        np.testing.assert_array_equal(first, last)
    np.testing.assert_array_equal(after[0][-1], [9.0, 9.0])


X = (np.random.default_rng(0).random((70, 1)) * np.random.default_rng(1).random((1, 8)) > 0.3).astype("float32") * 0.9
LABELS = (np.arange(70) % 3).astype("int32")


@pytest.mark.slow
@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_a_model_learns_survives_its_file_and_resumes_exactly(update, tmp_path):
    model = model_of(update)
    history = model.fit(X, LABELS, epochs=8, batch_size=16, verbose=0).history
    assert history["reconstruction"][-1] < history["reconstruction"][0]
    assert 1 <= history["perplexity"][-1] <= 8
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.reconstruct(X, LABELS), model.reconstruct(X, LABELS))
    for each in (model, again):
        each.fit(X, LABELS, epochs=9, initial_epoch=8, batch_size=16, verbose=0)
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_loss_is_the_sum_of_its_terms():
    for update, books in (("ema", 0), ("gradient", 1)):
        model = model_of(update)
        model.build((None, 8))
        terms = model.terms(X, LABELS, StepContext(tf.constant([0, 0])))
        expected = terms["reconstruction"] + (books + 0.25) * terms["commitment"]
        np.testing.assert_allclose(terms["loss"], expected, rtol=1e-5)


def test_codes_of_a_reconstruction_are_entries():
    model = model_of()
    model.build((None, 8))
    z = model.encode(X, LABELS).numpy().reshape(-1, 2)
    entries = model.posterior_layer.books[0].entries.numpy()
    assert all((entries == row).all(axis=1).any() for row in z)


@pytest.mark.slow
def test_a_decoder_and_the_encoder_of_a_codebook_export(tmp_path):
    model = model_of()
    model.build((None, 8))
    card = kae.export.litert(model, tmp_path / "a.tflite")
    assert list(card.signatures) == ["decode"]
    card = kae.export.saved_model(model, tmp_path / "1")
    assert card.errors["encode"]["z"]["max"] < 1e-5


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_codes": 0}, "`num_codes` must be"),
        ({"code_dim": 0}, "`code_dim` must be"),
        ({"update": "sgd"}, '`update` must be "ema" or "gradient"'),
        ({"decay": 1.0}, r"`decay` must be in \[0, 1\)"),
        ({"revive_below": -1}, "`revive_below` must be"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        VectorQuantizer(**arguments)


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"objective": "reconstruction"}, "must both be of a codebook, or neither"),
        ({"posterior": "deterministic", "objective": "vector_quantization"}, "must both be of a codebook, or neither"),
        ({"objective": "elbo"}, "needs a prior and a posterior with a density"),
        ({"objective": "vector_quantization", "prior": "standard_normal"}, "`prior` must be over the same codes"),
        ({"objective": "vector_quantization", "latent_dim": 10}, "must be a multiple of code_dim=4"),
    ],
)
def test_models_that_make_no_sense_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        kae.Autoencoder(**{"latent_dim": 8, "posterior": "vector_quantizer", "prior": None, **parts})


@pytest.mark.parametrize("weight", [-1, float("nan"), "much"])
def test_a_commitment_weight_that_is_none_is_refused(weight):
    with pytest.raises(ValueError, match="`commitment_weight` must be a finite number >= 0"):
        VectorQuantization(weight)
