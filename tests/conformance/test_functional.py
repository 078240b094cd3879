"""Every model builds functional Keras models: its encoder alone, its decoder alone, and both."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from subjects import EVENT, LABELS, TABLE, X, in_short_run, make, prepare, rows
from tiers import first

import keras_ae as kae

SOME = in_short_run("ladder_vae")


def prepared(name, condition=None):
    """A model that knows the shape of its data and the scale of its condition, and the values of that."""
    model, values = make(name, condition)
    prepare(model, X, values)
    return model, values


def symbolic(model):
    """Inputs for examples and condition as the verbs take them, and all of them in a list."""
    x = keras.Input(EVENT)
    if model.condition is None:
        return x, None, x
    inputs = {name: keras.Input(shape, dtype=dtype) for name, (dtype, shape) in model.condition.specs().items()}
    return x, model.condition.from_named(inputs), [x, *inputs.values()]


def arrays(values, num):
    """Examples and condition as a functional model takes them."""
    return X[:num] if values is None else [X[:num], *keras.tree.flatten(rows(values, num))]


@pytest.mark.parametrize("name", SOME)
def test_functional_models_share_the_weights_and_are_saved_and_loaded(name, tmp_path):
    model, values = prepared(name)
    x, condition, inputs = symbolic(model)
    encoder = keras.Model(inputs, model.encode(x, condition))
    both = keras.Model(inputs, model.reconstruct(x, condition))
    batch, few = arrays(values, 6), rows(values, 6)
    shared = {id(weight) for weight in encoder.weights}
    assert {id(weight) for weight in model.encoder.weights} <= shared
    assert not shared & {id(weight) for weight in model.decoder.weights}
    for functional, expected in (encoder, model.encode(X[:6], few)), (both, model.reconstruct(X[:6], few)):
        np.testing.assert_allclose(functional(batch), expected, rtol=1e-5, atol=1e-6)
        functional.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded(batch), functional(batch), rtol=1e-5, atol=1e-6)
        assert len(loaded.weights) == len(functional.weights)


@pytest.mark.parametrize("name", SOME)
def test_layers_on_top_of_the_code_train_the_encoder(name):
    """Also through the entries of a codebook; and only as long as it is not frozen."""
    model, values = prepared(name)
    x, condition, inputs = symbolic(model)
    functional = keras.Model(inputs, keras.layers.Dense(2)(model.encode(x, condition)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(functional(arrays(values, 6), training=True) ** 2)
    for gradient in tape.gradient(loss, model.encoder.trainable_variables):
        assert np.abs(gradient).max() > 0
    model.encoder.trainable = False
    trained = {id(weight) for weight in functional.trainable_variables}
    assert trained and not trained & {id(weight) for weight in model.encoder.weights}


@pytest.mark.parametrize("condition", ["none", "categorical"])
def test_a_classifier_on_the_code_is_fitted_frozen_and_then_as_a_whole(condition, tmp_path):
    model, values = prepared("vae", condition)
    x, given, inputs = symbolic(model)
    classifier = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(model.encode(x, given)))
    before = model.encoder.get_weights()
    for frozen in (True, False):
        model.encoder.trainable = not frozen
        classifier.compile("sgd", loss="sparse_categorical_crossentropy", run_eagerly=True)
        classifier.fit(arrays(values, 8), LABELS[:8], verbose=0)
        changed = [np.abs(a - b).max() > 0 for a, b in zip(before, model.encoder.get_weights(), strict=True)]
        assert not any(changed) if frozen else all(changed)
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(loaded(arrays(values, 8)), classifier(arrays(values, 8)), rtol=1e-5, atol=1e-6)
    assert loaded.optimizer.iterations == 1


@pytest.mark.parametrize("shape", [(5, 4, 2), (8, 3), (7,)])
def test_decode_builds_a_generator_for_data_of_every_shape(shape, tmp_path):
    """With networks that must know the shape of the data, and a condition that comes as a column, as Keras likes it."""
    networks = ("conv", "conv") if len(shape) > 1 else ("mlp", "mlp")
    model = kae.models.ConditionalVAE(*networks, latent_dim=2, condition=kae.Categorical(3))
    model.build((None, *shape))
    inputs = [keras.Input([2]), keras.Input([1])]
    generator = keras.Model(inputs, model.decode(*inputs))
    z, labels = np.ones([3, 2], "float32"), np.arange(3)
    np.testing.assert_allclose(generator([z, labels[:, np.newaxis]]), model.decode(z, labels), rtol=1e-5, atol=1e-6)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_allclose(loaded([z, labels[:, np.newaxis]]), model.decode(z, labels), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("frozen", first(1, ["inner layer", "encoder", "all"]))
def test_what_is_frozen_stays_so_in_the_file_of_a_functional_model(frozen, tmp_path):
    model, _ = prepared("ladder_vae", "none")
    x = keras.Input(EVENT)
    classifier = keras.Model(x, keras.layers.Dense(3)(model.encode(x)))
    if frozen == "all":
        classifier.layers[1].trainable = False
    else:
        (model.encoder if frozen == "encoder" else model.encoder.layers[0]).trainable = False
    classifier.compile("adam", loss="mse", run_eagerly=True)
    classifier.fit(X[:8], np.zeros([8, 3]), verbose=0)
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    shapes = [weight.shape for weight in classifier.trainable_variables]
    assert [weight.shape for weight in loaded.trainable_variables] == shapes
    for found, expected in zip(loaded.optimizer.variables, classifier.optimizer.variables, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("likelihood", "wrong", "message"),
    [
        ("bernoulli", 255.0, r"`x` must be in \[0, 1\]\. Divide 8-bit images by 255\..*from.*to"),
        ("bernoulli", np.nan, r"`x` must be in \[0, 1\]"),
        ("normal", np.inf, r"`x` must be finite"),
    ],
)
def test_examples_that_no_encoder_has_seen_are_refused_where_they_come(likelihood, wrong, message):
    model = kae.models.VAE(latent_dim=2, likelihood=likelihood)
    x = keras.Input(EVENT)
    encoder = keras.Model(x, model.encode(x))
    assert encoder(X[:2] * 1.1 - 0.01).shape == (2, 2)  # as augmentation leaves them
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        encoder(X[:2] + np.float32(wrong))


def test_two_models_stand_beside_each_other_in_one():
    x, label = keras.Input(EVENT), keras.Input([], dtype="int32")
    models = [kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(3)) for _ in range(2)]
    codes = keras.layers.Concatenate()([model.encode(x, label) for model in models])  # before they are built
    found = keras.Model([x, label], codes)([X[:4], LABELS[:4]])
    expected = np.concatenate([model.encode(X[:4], LABELS[:4]) for model in models], axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_several_properties_may_come_as_columns():
    condition = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
    model = kae.models.ConditionalVAE(latent_dim=2, condition=condition)
    x, columns = keras.Input(EVENT), keras.Input([2])
    values = np.stack([LABELS[:4], np.linspace(-1, 1, 4)], axis=-1)
    found = keras.Model([x, columns], model.encode(x, columns))([X[:4], values])
    np.testing.assert_allclose(found, model.encode(X[:4], values), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("encode", lambda: [keras.Input([5, 4])], r"`x` must have shape \[B, 5, 4, 2\]\. Received: \[None, 5, 4\]"),
        ("decode", lambda: [keras.Input([3])], r"`z` must have shape \[B, 2\]\. Received: \[None, 3\]"),
        ("encode", lambda: [keras.Input(EVENT)], "needs the condition of each example"),
        ("encode", lambda: [keras.Input(EVENT), [1]], r"`condition` must be a keras\.Input .* Received: ndarray"),
        ("encode", lambda: [X[:1], keras.Input([])], r"`condition` must hold values: only `encode`, `decode`"),
        ("posterior", lambda: [keras.Input(EVENT), keras.Input([])], r"`x` must hold values: only `encode`, `decode`"),
        ("likelihood", lambda: [keras.Input([2]), keras.Input([])], r"`z` must hold values"),
        ("sample", lambda: [2, keras.Input([])], r"`condition` must hold values"),
    ],
)
def test_what_functional_models_cannot_be_built_of_is_refused(verb, arguments, message):
    model, _ = prepared("cvae", "categorical")
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(model, verb)(*arguments())


def test_a_decoder_that_does_not_know_its_data_is_refused():
    with pytest.raises(ValueError, match="call `fit` before `decode`"):
        kae.models.VAE(latent_dim=2).decode(keras.Input([2]))


def test_every_model_is_walked():
    assert {each.values[0] for each in SOME} == set(TABLE)
