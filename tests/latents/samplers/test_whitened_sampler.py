"""Densities of codes in (0, 1), such as those of a sparse autoencoder."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

import keras_ae as kae
from keras_ae.latents.samplers import SAMPLERS
from keras_ae.networks import MLP

X = np.random.default_rng(0).random((300, 6)).astype("float32")


@pytest.fixture(scope="module")
def model():
    model = kae.models.SparseAE(MLP([8]), MLP([8]), latent_dim=3)
    model.build((None, 6))
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


def test_density_is_that_of_the_logits_and_the_derivative_of_the_sigmoid(model):
    sampler = model.fit_sampler("normal", X)
    codes = model.encode(X).numpy().astype("float64")
    logits = special.logit(codes)
    normal = stats.multivariate_normal(logits.mean(axis=0), np.cov(logits, rowvar=False))
    expected = normal.logpdf(logits) - np.log(codes * (1 - codes)).sum(axis=1)
    np.testing.assert_allclose(sampler.distribution().log_prob(codes), expected, rtol=1e-3, atol=1e-3)  # float32
    z, log_prob = sampler.distribution().experimental_sample_and_log_prob(50, seed=[1, 2])
    np.testing.assert_allclose(sampler.distribution().log_prob(z), log_prob, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["normal", "gaussian_mixture", "kernel_density"])
def test_samples_are_such_codes_and_the_same_from_a_file(model, name, tmp_path):
    sampler = model.fit_sampler(name, X, seed=3)
    z = sampler.sample(tf.fill([4000], 5), tf.range(4000)).numpy()
    assert ((z > 0) & (z < 1)).all()
    logits = special.logit(model.encode(X).numpy())
    # Ten standard errors of a mean of 300, and the bandwidth of kernels.
    np.testing.assert_allclose(special.logit(z).mean(axis=0), logits.mean(axis=0), atol=0.6 * logits.std())
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert again.sampler.unit
    np.testing.assert_array_equal(again.sample(5, seed=2), model.sample(5, seed=2))


def test_codes_at_the_edge_are_taken(model):
    """Where float32 rounds a sigmoid to 0 or 1."""
    steep = kae.models.SparseAE(MLP([8]), MLP([8]), latent_dim=3)
    steep.build((None, 6))
    steep.set_weights([100 * weight for weight in model.get_weights()[: len(steep.weights)]])
    assert set(np.unique(steep.encode(X))) & {0.0, 1.0}
    steep.fit_sampler("normal", X)
    assert np.isfinite(steep.sample(100, seed=1)).all()


def test_an_export_draws_the_same(model, tmp_path):
    model.fit_sampler("gaussian_mixture", X)
    card = kae.export.litert(model, tmp_path / "sparse.tflite")
    assert card.errors["generate"]["x"]["max"] < 1e-5


def test_codebooks_and_other_codes_are_refused_as_before():
    model = kae.models.SphericalVAE(MLP([8]), MLP([8]), latent_dim=3)
    model.build((None, 6))
    for name in set(SAMPLERS) - {"autoregressive"}:
        with pytest.raises(ValueError, match="`sampler` must be over the same codes as `posterior`"):
            model.fit_sampler(name, X)
