import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.latents.tsne import landmarks_of, tsne_map

CENTERS = 9.0 * np.eye(3, 12)  # of three clusters


def clusters(num, seed):
    """Examples of three clusters in 12 dimensions, and their numbers."""
    rng, kinds = np.random.default_rng(seed), np.arange(num) % 3
    return (CENTERS[kinds] + rng.normal(size=[num, 12])).astype(np.float32), kinds


def small(**options):
    sizes = {"num_landmarks": 20, "map_epochs": 1, "likelihood": "normal"}
    network = kae.networks.MLP
    return kae.models.ParametricTSNE(network([32]), network([32]), **{**sizes, **options})


def trained(*, epochs=1, verbose=0, x=None, **options):
    model = small(**options)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(clusters(240, 0)[0] if x is None else x, batch_size=32, epochs=epochs, verbose=verbose)
    return model


def nearest_kind(points, known, kinds):
    squares = ((points[:, np.newaxis] - known[np.newaxis]) ** 2).sum(axis=-1)
    return kinds[squares.argmin(axis=1)]


def test_the_map_keeps_neighbors_together_on_a_fixed_scale():
    x, kinds = clusters(150, 0)
    for dim in (2, 3):
        places = tsne_map(x, dim)
        assert places.shape == (150, dim)
        np.testing.assert_allclose(places.mean(axis=0), 0.0, atol=1e-5)
        np.testing.assert_allclose(places.std(), 1.0, rtol=1e-5)
        others = np.array([nearest_kind(places[[i]], np.delete(places, i, 0), np.delete(kinds, i)) for i in range(150)])
        assert np.mean(others[:, 0] == kinds) > 0.95  # t-SNE leaves a few in another cluster, where they started


def test_landmarks_are_the_centers_of_groups_and_their_width_follows_their_distance():
    places = np.repeat(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], np.float32), 10, axis=0)
    landmarks, width = landmarks_of(places, 3)
    np.testing.assert_allclose(landmarks[np.lexsort(landmarks.T)], [[0, 0], [3, 0], [3, 4]], atol=1e-6)
    assert width == pytest.approx(0.7 * 3.0)  # the nearest other landmark is at a distance of 3, 3 and 4
    landmarks, width = landmarks_of(places, 1)
    np.testing.assert_allclose(landmarks, [[2, 4 / 3]], rtol=1e-6)
    assert width == 1.0


def test_a_code_is_the_mean_of_the_landmarks_with_the_probabilities_of_the_network():
    model = small(sharpness=3.0)
    x, _ = clusters(5, 1)
    model.build((None, 12))
    logits = 3.0 * np.float64(model.posterior_layer.logits(model.encoder(x)))
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = weights / weights.sum(axis=1, keepdims=True) @ np.float64(model.posterior_layer.landmarks)
    np.testing.assert_allclose(model.encode(x), expected, rtol=1e-5, atol=1e-6)  # float32


def test_new_examples_find_their_cluster_in_the_map_and_places_decode_to_examples_of_it():
    model = trained(epochs=40)
    known, kinds = clusters(240, 0)
    x, new_kinds = clusters(60, 1)
    np.testing.assert_array_equal(nearest_kind(model.encode(x).numpy(), model.encode(known).numpy(), kinds), new_kinds)
    np.testing.assert_array_equal(nearest_kind(model.reconstruct(x).numpy(), CENTERS, np.arange(3)), new_kinds)


def test_the_epochs_train_the_decoder_alone():
    model = small()
    model.compile(keras.optimizers.Adam(0.01, weight_decay=0.1))
    x, _ = clusters(60, 0)
    model.build((None, 12))
    model.initialize_map(x)
    before = {weight.path: weight.numpy() for weight in model.weights}
    model.fit(x, epochs=2, verbose=0)
    changed = {weight.path for weight in model.weights if not np.array_equal(weight.numpy(), before[weight.path])}
    assert changed == {weight.path for weight in model.trainable_weights}
    encoder = {weight.path for part in (model.encoder, model.posterior_layer) for weight in part.weights}
    assert changed and not changed & encoder


def test_a_map_is_made_once(tmp_path):
    model = trained()
    codes = model.encode(clusters(9, 1)[0])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.initialized
    loaded.fit(clusters(90, 5)[0], verbose=0)  # other examples
    np.testing.assert_array_equal(loaded.encode(clusters(9, 1)[0]), codes)


def test_equal_seeds_give_equal_models():
    first, second, other = (trained(seed=seed).encode(clusters(9, 1)[0]).numpy() for seed in (0, 0, 1))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-4)  # float32
    assert np.abs(first - other).max() > 0.01


def test_batch_normalization_in_the_encoder_learns_with_the_map_and_then_stays():
    norm = keras.layers.BatchNormalization()
    encoder = keras.Sequential([keras.layers.Dense(16), norm, keras.layers.Activation("relu")])
    model = kae.models.ParametricTSNE(encoder, num_landmarks=20, likelihood="normal")
    model.compile()
    x, _ = clusters(60, 0)
    model.build((None, 12))
    model.initialize_map(x)
    mean = norm.moving_mean.numpy()
    assert np.abs(mean).max() > 0.0
    model.fit(x, verbose=0)
    np.testing.assert_array_equal(norm.moving_mean, mean)


def test_streams_train_as_arrays_do():
    import tensorflow as tf

    x, _ = clusters(96, 0)
    model = trained(x=tf.data.Dataset.from_tensor_slices(x).batch(32))
    np.testing.assert_allclose(model.encode(x), trained(x=x).encode(x), rtol=1e-4, atol=1e-4)


def test_progress_is_shown_where_fit_shows_it(capsys):
    trained(verbose=1)
    shown = capsys.readouterr().out
    assert "t-SNE" in shown and "ms/step" in shown
    trained()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latent_dim": 1}, "`latent_dim` must be an integer >= 2"),
        ({"latent_dim": 4}, "`latent_dim` must be an integer >= 2, 3 at most"),
        ({"num_landmarks": 0}, "`num_landmarks` must be a positive integer"),
        ({"sharpness": 0.0}, "`sharpness` must be"),
        ({"perplexity": -1.0}, "`perplexity` must be"),
        ({"dropout": 1.0}, "`dropout` must be"),
        ({"map_epochs": 0}, "`map_epochs` must be a positive integer"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_few_places_are_the_landmarks_themselves():
    places = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 0.0]], np.float32)
    landmarks, width = landmarks_of(places, 5)
    assert landmarks.shape == (5, 2)
    np.testing.assert_array_equal(np.unique(landmarks, axis=0), np.unique(places, axis=0))
    assert width == pytest.approx(0.7 * 3.0)
    x, _ = clusters(9, 0)
    assert np.isfinite(trained(x=x, num_landmarks=500).encode(x)).all()


def test_examples_of_one_value_have_a_map():
    x = np.linspace(0.0, 1.0, 30, dtype="float32")[:, np.newaxis]
    assert tsne_map(x).shape == (30, 2)


@pytest.mark.parametrize("x", [np.zeros([3, 4]), np.ones([30, 4])])
def test_data_that_cannot_make_a_map_are_refused(x):
    with pytest.raises(ValueError, match=r"`x` must have at least 4 examples, which are not all equal. Received: 3"):
        trained(x=x)


def test_a_generator_is_refused():
    with pytest.raises(ValueError, match=r"`x` must be data that can be read twice.*Received: generator"):
        trained(x=(clusters(32, i)[0] for i in range(3)))
