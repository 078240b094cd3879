import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import keras_ae as kae
from keras_ae.objectives import ClusteringELBO, augmentation, cluster_refinement, clustering_elbo
from keras_ae.objectives.cluster_refinement import adversarial, loss_of, radii

SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)


def test_the_loss_equals_scipy():
    p, q, r = special.softmax(2 * RNG.normal(size=(3, 9, 4)), axis=-1)
    found = loss_of(*(tf.constant(np.log(p), tf.float32), [tf.constant(np.log(each), tf.float32) for each in (q, r)]))
    invariance = sum(stats.entropy(p, each, axis=-1).mean() for each in (q, r))
    expected = invariance + 0.2 * (stats.entropy(p, axis=-1).mean() - 4 * stats.entropy(p.mean(axis=0)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gradients_pass_through_the_copies_and_the_entropies_only():
    """With equal copies the divergence is at its minimum, and its gradient for the copies is 0."""
    logits = tf.constant(RNG.normal(size=(9, 4)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        logs = tf.nn.log_softmax(logits)
        whole, p = loss_of(logs, [logs]), tf.exp(logs)
        mean = tf.reduce_mean(p, axis=0)
        entropies = -tf.reduce_mean(tf.reduce_sum(p * logs, axis=-1)) + 4 * tf.reduce_sum(mean * tf.math.log(mean))
    np.testing.assert_allclose(tape.gradient(whole, logits), 0.2 * tape.gradient(entropies, logits), atol=1e-6)


def test_the_change_is_the_most_sensitive_direction_of_a_linear_classifier():
    """KL(q(x) || q(x + d)) = d^T H d / 2 with H = W (diag(q) - q q^T) W^T, and the power method applies H once."""
    kernel, x = RNG.normal(size=(6, 3)), RNG.normal(size=(5, 6))
    length = 1e-2  # short enough for the quadratic form, long enough for float32
    found = adversarial(
        lambda x: tf.nn.log_softmax(x @ tf.constant(kernel, tf.float32)),
        tf.constant(x, tf.float32),
        tf.fill([5], length),
        SEED,
    )
    change = found.numpy() - x
    np.testing.assert_allclose(np.linalg.norm(change, axis=1), length, rtol=1e-3)
    start = kae.random.stateless_normal([5, 6], SEED).numpy()
    for row, direction, each in zip(change, start, special.softmax(x @ kernel, axis=-1), strict=True):
        hessian = kernel @ (np.diag(each) - np.outer(each, each)) @ kernel.T
        expected = hessian @ direction
        np.testing.assert_allclose(row / length, expected / np.linalg.norm(expected), atol=0.02)  # of order `length`


def test_radii_are_a_quarter_of_the_distance_to_the_tenth_neighbor():
    x = RNG.normal(size=(30, 2, 3)).astype("float32")
    distances = np.linalg.norm((x[:, None] - x).reshape(30, 30, 6), axis=-1)
    np.testing.assert_allclose(radii(x), 0.25 * np.sort(distances, axis=1)[:, 10], rtol=1e-5)
    np.testing.assert_allclose(radii(x[:3]), 0.25 * distances[:3, :3].max(axis=1), rtol=1e-5)  # there are only two


def test_of_many_examples_a_part_is_searched(monkeypatch):
    """The nearest of a tenth of the examples is about as far as the tenth nearest of all of them."""
    x = RNG.normal(size=(3000, 3)).astype("float32")
    everything = radii(x)
    monkeypatch.setattr(cluster_refinement, "_SEARCHED", 300)
    part = radii(x)
    assert (part > 0).all()
    # The number of examples within the distance is Gamma(10) for the tenth of all, ten times Gamma(1) for the others.
    expected = (10 * stats.gamma(1).median() / stats.gamma(10).median()) ** (1 / 3)
    np.testing.assert_allclose(np.median(part) / np.median(everything), expected, rtol=0.06)  # of 3000 distances


def bars(num):
    """Images of a vertical or a horizontal bar, at any place: (images, which)."""
    rng = np.random.default_rng(1)
    labels, place = np.arange(num) % 2, rng.integers(1, 7, size=num)
    x = np.zeros([num, 8, 8, 1], np.float32)
    for image, label, each in zip(x, labels, place, strict=True):
        image[1:7, each] = 1.0
        image[:] = image.swapaxes(0, 1) if label else image
    return 0.9 * x + 0.1 * rng.random(x.shape).astype("float32"), labels, place


def test_refinement_moves_a_wrong_border(monkeypatch):
    """The clusters put the bars at one place into the wrong class. Shifts carry the others there."""
    monkeypatch.setattr(augmentation, "_SHIFT", 0.25)
    monkeypatch.setattr(cluster_refinement, "_LEARNING_RATE", 0.01)  # an epoch is one step
    x, labels, place = bars(400)
    given = np.where((place == 4) & (labels == 0), 1, labels)
    found = {}
    for epochs in (0, 100):
        objective = ClusteringELBO(kae.networks.MLP([32]), refinement_epochs=epochs, augmentation="affine")
        model = kae.models.GaussianMixtureVAE(
            kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, components=2, objective=objective
        )
        model.build((None, 8, 8, 1))
        objective.initialize(x, np.eye(2, dtype="float32")[given])
        found[epochs] = np.mean(model.cluster(x) == labels)
    assert found[0] == np.mean(given == labels) < 0.95
    assert found[100] > 0.99, found


@pytest.mark.slow
def test_refinement_is_the_same_again_and_in_its_config(monkeypatch):
    monkeypatch.setattr(clustering_elbo, "_EPOCHS", 1)
    monkeypatch.setattr(clustering_elbo, "_STEPS", 1)
    x = bars(40)[0]
    results = []
    for _ in range(2):
        objective = ClusteringELBO(kae.networks.MLP([8]), refinement_epochs=2)
        model = kae.Autoencoder("mlp", "mlp", latent_dim=2, prior="normal_mixture", objective=objective)
        model.build((None, 8, 8, 1))
        objective.initialize(x, np.full([40, 10], 0.1, np.float32), seed=3)
        results.append(objective.cluster_logits(x).numpy())
    np.testing.assert_array_equal(*results)
    config = objective.get_config()
    assert (config["refinement_epochs"], config["augmentation"]) == (2, None)


def test_wrong_arguments_of_the_refinement():
    with pytest.raises(ValueError, match=r'`augmentation` must be "affine"|`augmentation` must be None or "affine"'):
        ClusteringELBO(augmentation="flip")
    with pytest.raises(ValueError, match="`refinement_epochs` must be an integer >= 0"):
        ClusteringELBO(refinement_epochs=-1)
    model = kae.models.GaussianMixtureVAE(objective=ClusteringELBO(augmentation="affine"))
    with pytest.raises(ValueError, match=r"`augmentation` \"affine\" is for images .* Received: examples \[5\]"):
        model.build((None, 5))
