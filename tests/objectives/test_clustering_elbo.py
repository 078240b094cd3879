import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import keras_ae as kae
from keras_ae.objectives import ClusteringELBO
from keras_ae.step_context import StepContext

SEED = tf.constant([3, 4], tf.int32)
X = np.random.default_rng(0).random((7, 5)).astype("float32")


def terms_of(objective, initialized):
    network = kae.networks.MLP
    model = kae.Autoencoder(network([4]), network([3]), latent_dim=2, prior="normal_mixture", objective=objective)
    model.build((None, 5))
    model.prior_layer.loc.assign(np.random.default_rng(1).normal(size=(10, 2)))
    if initialized and isinstance(objective, ClusteringELBO):
        model.objective.state.assign(1.0)
    return model, {name: values.numpy() for name, values in model.terms(X, None, StepContext(SEED)).items()}


def test_in_pretraining_it_is_the_elbo_with_a_small_weight():
    _, found = terms_of(ClusteringELBO(pretraining_beta=0.2), False)
    _, expected = terms_of(kae.objectives.ELBO(0.2, kl="monte_carlo"), False)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found["assignment"], 0.0)


def test_after_that_it_adds_the_divergence_of_the_clusters():
    """KL(q(k|x) || p(k|z)) by SciPy, for the codes that the objective drew."""
    model, found = terms_of(ClusteringELBO(num_samples=3), True)
    z = model.posterior(X).experimental_sample_and_log_prob(3, seed=SEED)[0].numpy()  # [3, B, D]
    loc, raw = model.prior_layer.loc.numpy(), model.prior_layer.raw_scale.numpy()
    joint = stats.norm(loc, np.log1p(np.exp(raw)) + 1e-5).logpdf(z[..., None, :]).sum(axis=-1)  # equal weights
    logits = model.objective.head(model.objective.classifier(X)).numpy()
    expected = special.rel_entr(special.softmax(logits, axis=-1), special.softmax(joint, axis=-1)).sum(axis=-1)
    np.testing.assert_allclose(found["assignment"], expected.mean(axis=0), rtol=1e-4, atol=1e-5)
    total = found["reconstruction"] + found["kl"] + found["assignment"]
    np.testing.assert_allclose(found["loss"], total, rtol=1e-6)
    _, exact = terms_of(kae.objectives.ELBO(kl="monte_carlo", num_samples=3), True)
    np.testing.assert_allclose(found["kl"], exact["kl"], rtol=1e-4, atol=1e-5)


def test_it_needs_a_mixture():
    with pytest.raises(ValueError, match="`objective` ClusteringELBO needs a NormalMixture prior"):
        kae.Autoencoder(objective="clustering_elbo")
