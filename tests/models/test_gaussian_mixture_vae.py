import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats
from sklearn.metrics import adjusted_rand_score
from tiers import first

import keras_ae as kae
from keras_ae.evaluate import METRICS
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.evaluate.subject import Subject
from keras_ae.latents import neighbor_clustering
from keras_ae.models import VAE, GaussianMixtureVAE
from keras_ae.objectives import ELBO, clustering_elbo
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(0).random((7, 5)).astype("float32")


def small(cls=GaussianMixtureVAE, objective="elbo", **arguments):
    """The paper's bound, in which q(k|x) is p(k|z), unless another objective is given."""
    model = cls(kae.networks.MLP([4]), kae.networks.MLP([3]), latent_dim=2, objective=objective, **arguments)
    model.build((None, 5))
    return model


def test_with_one_standard_component_it_is_the_vae():
    model, plain = small(components=1), small(VAE, objective=ELBO(kl="monte_carlo"))
    model.prior_layer.assign([1.0], np.zeros([1, 2]), np.ones([1, 2]))
    for name in ("encoder", "decoder", "posterior_layer", "likelihood_layer"):
        getattr(plain, name).set_weights(getattr(model, name).get_weights())
    terms, expected = (each.terms(X, None, StepContext(SEED)) for each in (model, plain))
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-5, atol=1e-5)


@pytest.fixture
def clustered():
    model = small(components=3)
    rng = np.random.default_rng(1)
    weights, loc, scale = [0.2, 0.5, 0.3], rng.normal(size=(3, 2)), rng.uniform(0.5, 2, size=(3, 2))
    model.prior_layer.assign(weights, loc, scale)
    return model, np.array(weights), loc, scale


def responsibilities(z, weights, loc, scale):
    log_joint = np.log(weights) + stats.norm(loc, scale).logpdf(z[..., np.newaxis, :]).sum(axis=-1)
    return special.softmax(log_joint, axis=-1)


def test_responsibilities_equal_scipy(clustered):
    model, *mixture = clustered
    z = np.random.default_rng(2).normal(scale=2, size=(4, 6, 2)).astype("float32")
    found = model.prior_layer.responsibilities(z)
    np.testing.assert_allclose(found, responsibilities(z, *mixture), rtol=1e-4, atol=1e-6)


def test_cluster_probabilities_are_the_expected_responsibilities(clustered):
    """Integrated over q(z|x) by Gauss and Hermite's rule in both dimensions."""
    model, *mixture = clustered
    q = model.posterior(X)
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    pairs = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 1, 2)
    z = q.mean().numpy() + q.stddev().numpy() * pairs  # [400, B, 2]
    shares = np.outer(weights, weights).reshape(-1) / (2 * np.pi)
    expected = np.einsum("n,nbk->bk", shares, responsibilities(z, *mixture))
    found = model.cluster_probabilities(X, num_samples=20_000)
    np.testing.assert_allclose(found, expected, atol=4 * 0.5 / np.sqrt(20_000))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model.cluster(X, num_samples=20_000), found.argmax(axis=1))
    np.testing.assert_array_equal(model.cluster_probabilities(X), model.cluster_probabilities(X))
    assert np.abs(model.cluster_probabilities(X) - model.cluster_probabilities(X, seed=1)).max() > 1e-4


@pytest.fixture
def quick(monkeypatch):
    """Fewer networks and steps than users have."""
    monkeypatch.setattr(neighbor_clustering, "_RESTARTS", 2)
    monkeypatch.setattr(neighbor_clustering, "_STEPS", (150, 100))
    monkeypatch.setattr(clustering_elbo, "_EPOCHS", 1)
    monkeypatch.setattr(clustering_elbo, "_STEPS", 60)


CENTERS = np.array([[0, 0], [6, 0], [0, 6]])


def heaps(num):
    """Three heaps of points, one twice as large: (points, which heap)."""
    rng = np.random.default_rng(3)
    labels = rng.choice(4, size=num) % 3
    return (CENTERS[labels] + rng.normal(size=(num, 2)) * [0.5, 1.0]).astype("float32"), labels


@pytest.mark.parametrize("objective", first(1, ["clustering_elbo", "elbo"]))
def test_the_clusters_at_the_start_are_heaps_of_codes(quick, objective):
    """With an encoder that copies, codes are the data with a little noise."""
    network = kae.networks.MLP([2], activation="linear")
    model = GaussianMixtureVAE(network, "mlp", latent_dim=2, components=3, likelihood="normal", objective=objective)
    model.build((None, 2))
    model.encoder.set_weights([np.eye(2), np.zeros(2)])
    model.posterior_layer.dense.set_weights([np.eye(2, 4), np.array([0, 0, -6, -6])])
    x, labels = heaps(600)
    model.initialize_clusters(x)
    assert adjusted_rand_score(labels, model.cluster(x)) > 0.98
    order = np.argsort(model.prior_layer.loc.numpy() @ [1, 2])
    np.testing.assert_allclose(model.prior_layer.loc.numpy()[order], CENTERS, atol=0.3)
    mixture = model.prior().mixture_distribution.probs_parameter().numpy()[order]
    np.testing.assert_allclose(mixture, [0.5, 0.25, 0.25], atol=0.04)
    scales = model.prior().components_distribution.stddev().numpy()
    np.testing.assert_allclose(scales, np.tile([0.5, 1.0], [3, 1]), rtol=0.2)


@pytest.mark.slow
def test_fit_initializes_the_clusters_after_the_pretraining(quick, monkeypatch, tmp_path):
    monkeypatch.setattr(neighbor_clustering, "_STEPS", (3, 3))
    model = small(objective="clustering_elbo", components=3, pretraining_epochs=2, seed=1)
    model.compile(run_eagerly=True)
    x = np.random.default_rng(0).random((40, 5)).astype("float32")
    with pytest.raises(
        RuntimeError, match=r"not initialized: call `fit` with more than 2 epochs .*initialize_clusters"
    ):
        model.cluster(x)
    with pytest.raises(NotApplicableError, match="not initialized"):
        list(METRICS["model_clusters"].measure(Subject(model, x, np.arange(40) % 3)))
    history = model.fit(x, epochs=2, verbose=0).history
    assert history["assignment"] == [0.0, 0.0] and not model.objective.initialized
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    for each in (model, again):
        history = each.fit(x, epochs=4, initial_epoch=2, verbose=0, validation_split=0.25).history
        assert each.objective.initialized and min(history["assignment"]) > 0
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    found = model.cluster_probabilities(x)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    before = model.objective.classifier.get_weights()
    model.fit(tf.data.Dataset.from_tensor_slices(x).batch(10), epochs=5, initial_epoch=4, verbose=0)
    np.testing.assert_array_equal(found, model.cluster_probabilities(x))  # q(k|x) stays
    for one, other in zip(before, model.objective.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_data_that_are_gone_after_one_epoch_are_refused():
    model = small(objective="clustering_elbo")
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"`x` must be data that can be read twice.*Received: generator"):
        model.fit((X for _ in range(3)), steps_per_epoch=1, shuffle=False, verbose=0)
    model.objective.state.assign(1.0)  # the clusters are there already
    model.fit((X for _ in range(3)), steps_per_epoch=1, shuffle=False, verbose=0)


def test_clusters_of_a_conditional_model_need_the_condition():
    model = small(components=3, condition=kae.Categorical(2))
    assert model.cluster(X, np.arange(7) % 2).shape == (7,)
    with pytest.raises(ValueError, match="needs the condition of each example"):
        model.cluster(X)


def test_fewer_examples_than_clusters_are_refused():
    with pytest.raises(ValueError, match=r"`x` must have at least 10 examples, one per component\. Received: 7"):
        small().initialize_clusters(X)
