import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats
from sklearn.metrics import adjusted_rand_score

import keras_ae as kae
from keras_ae.models import VAE, GaussianMixtureVAE
from keras_ae.objectives import ELBO
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(0).random((7, 5)).astype("float32")


def small(cls=GaussianMixtureVAE, **arguments):
    model = cls(kae.networks.MLP([4]), kae.networks.MLP([3]), latent_dim=2, **arguments)
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


def test_mixture_fitted_to_codes_finds_the_clusters():
    """With an encoder that copies, codes are the data with a little noise: three heaps, one twice as large."""
    model = GaussianMixtureVAE(
        kae.networks.MLP([2], activation="linear"), latent_dim=2, components=3, likelihood="normal"
    )
    model.build((None, 2))
    model.encoder.set_weights([np.eye(2), np.zeros(2)])
    model.posterior_layer.dense.set_weights([np.eye(2, 4), np.array([0, 0, -6, -6])])
    rng = np.random.default_rng(3)
    labels = rng.choice(4, size=3000) % 3
    centers = np.array([[0, 0], [6, 0], [0, 6]])
    x = (centers[labels] + rng.normal(size=(3000, 2)) * [0.5, 1.0]).astype("float32")
    model.initialize_clusters(x)
    assert adjusted_rand_score(labels, model.cluster(x)) > 0.98
    order = np.argsort(model.prior_layer.loc.numpy() @ [1, 2])
    np.testing.assert_allclose(model.prior_layer.loc.numpy()[order], centers, atol=0.15)
    mixture = model.prior().mixture_distribution.probs_parameter().numpy()[order]
    np.testing.assert_allclose(mixture, [0.5, 0.25, 0.25], atol=0.03)
    scales = model.prior().components_distribution.stddev().numpy()
    np.testing.assert_allclose(scales, np.tile([0.5, 1.0], [3, 1]), rtol=0.15)


def test_clusters_of_a_conditional_model_need_the_condition():
    model = small(components=3, condition=kae.Categorical(2))
    assert model.cluster(X, np.arange(7) % 2).shape == (7,)
    with pytest.raises(ValueError, match="needs the condition of each example"):
        model.cluster(X)


def test_fewer_examples_than_clusters_are_refused():
    with pytest.raises(ValueError, match=r"`x` must have at least 10 examples, one per component\. Received: 7"):
        small().initialize_clusters(X)
