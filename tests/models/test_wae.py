"""A deterministic posterior with a prior: a model that generates, and has no likelihood."""

import numpy as np
import pytest

import keras_ae as kae

X = np.random.default_rng(0).random((40, 5, 4, 1)).astype("float32")


@pytest.fixture
def model():
    network = kae.networks.MLP
    model = kae.models.WAE(network([16]), network([16]), latent_dim=2)
    model.compile(jit_compile=False)
    model.build((None, 5, 4, 1))
    return model


def test_it_samples_from_its_prior(model):
    codes = model.sample_codes(2000, seed=3)
    np.testing.assert_allclose(np.mean(codes, axis=0), 0.0, atol=0.1)  # N(0, I): standard errors of 0.022
    np.testing.assert_allclose(np.cov(codes.numpy().T), np.eye(2), atol=0.15)
    # Matrix products of other sizes round in other places.
    np.testing.assert_allclose(model.sample(3, seed=3), model.decode(codes[:3]), rtol=1e-5)


@pytest.mark.slow
def test_a_mixture_as_prior_learns_all_its_weights():
    """How often a component is drawn too, by implicit gradients of its draws."""
    network, prior = kae.networks.MLP, kae.latents.NormalMixture(3)
    model = kae.models.WAE(network([16]), network([16]), latent_dim=2, prior=prior)
    model.compile(jit_compile=False)
    model.build((None, 5, 4, 1))
    before = [weight.numpy() for weight in prior.weights]
    model.fit(X, epochs=2, verbose=0)
    for weight, value in zip(prior.weights, before, strict=True):
        assert np.abs(weight - value).min() > 1e-4, weight.path


@pytest.mark.slow
def test_export_generates_what_the_model_does(model, tmp_path):
    card = kae.export.saved_model(model, tmp_path / "1")
    assert set(card.errors) == {"decode", "sample", "generate", "encode", "reconstruct", "score"}
    assert set(card.errors["encode"]) == {"z"} and set(card.errors["score"]) == {
        "reconstruction"
    }  # a point has no scale
    assert all(outputs["x"]["max"] < 1e-5 for outputs in card.errors.values() if "x" in outputs)


def test_what_needs_a_density_says_so(model, tmp_path):
    with pytest.raises(ValueError, match=r"WAE has no likelihood: .* or its posterior has no density"):
        kae.evaluate.log_likelihood(model, X)
    with pytest.raises(NotImplementedError, match="factorize over dimensions"):
        model.fit(X, verbose=0, callbacks=[kae.callbacks.KLByDimension(tmp_path, X)])


def test_codes_may_be_random():
    model = kae.models.WAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, posterior="diagonal_normal")
    model.build((None, 5, 4, 1))
    assert np.isfinite(kae.evaluate.log_likelihood(model, X[:3], num_samples=5)).all()
