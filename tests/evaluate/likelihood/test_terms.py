"""ELBO, KL, reconstruction, bits per dimension and the rate-distortion curve, against closed forms."""

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.evaluate import METRICS, NotApplicableError, Subject, likelihood
from keras_ae.evaluate.likelihood.elbo import meaning_of_bits


def test_terms_of_the_elbo_are_the_closed_forms(linear):
    terms = likelihood.elbo(linear.model, linear.x, num_samples=2000)
    np.testing.assert_allclose(terms["kl"], linear.kl, rtol=1e-4)
    # The squared error deviates by about 2 nats from draw to draw, and 2 / sqrt(2,000) = 0.045.
    np.testing.assert_allclose(terms["reconstruction"], linear.reconstruction, atol=0.2)
    assert abs(np.mean(terms["reconstruction"] - linear.reconstruction)) < 0.04
    np.testing.assert_allclose(terms["elbo"], -(terms["kl"] + terms["reconstruction"]))


def test_kl_without_a_closed_form_is_a_mean_over_draws():
    """A mixture of one component is a normal prior, of which the KL is known."""
    prior = kae.latents.NormalMixture(1)
    model = kae.models.VAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, prior=prior)
    x = np.random.default_rng(0).random((5, 6)).astype("float32")
    model.build((None, 6))
    drawn = likelihood.elbo(model, x, num_samples=3000)["kl"]
    component = prior.distribution().components_distribution
    center, scale = component.mean().numpy(), component.stddev().numpy()
    mean, std = model.posterior(x).mean().numpy(), model.posterior(x).stddev().numpy()
    expected = np.log(scale / std) + (std**2 + (mean - center) ** 2) / (2 * scale**2) - 0.5
    np.testing.assert_allclose(drawn, expected.sum(axis=-1), atol=0.1)  # deviations of 1 / sqrt(3,000) a dimension


@pytest.mark.parametrize("name", ["ae", "wae"])
def test_model_without_a_density_has_the_reconstruction_alone(name):
    mlp = kae.networks.MLP
    model = kae.models.MODELS[name](mlp([4]), mlp([4]), latent_dim=2)
    x = np.random.default_rng(0).random((5, 6)).astype("float32")
    model.build((None, 6))
    expected = -model.likelihood(model.encode(x)).log_prob(x).numpy()
    subject = Subject(model, x)
    (found,) = METRICS["reconstruction"].measure(subject)
    np.testing.assert_allclose(found.value, expected.mean(), rtol=1e-5)
    with pytest.raises(NotApplicableError, match="needs a model with a prior" if name == "ae" else "has no ELBO"):
        METRICS["elbo"].measure(subject)


def test_codebook_with_a_prior_has_an_elbo():
    mlp, prior = kae.networks.MLP, kae.latents.AutoregressivePrior(4, hidden=[4])
    model = kae.models.VQVAE(mlp([4]), mlp([4]), latent_dim=2, num_codes=8, code_dim=1, prior=prior)
    x = np.random.default_rng(0).random((5, 6)).astype("float32")
    model.build((None, 6))
    # At the start, all entries are equally likely: each of two indices costs log 8.
    np.testing.assert_allclose(likelihood.elbo(model, x)["kl"], 2 * np.log(8), rtol=1e-5)


def test_metrics_of_the_elbo_share_one_pass(linear, monkeypatch):
    subject, passes = Subject(linear.model, linear.x), []
    batches = subject.batches
    monkeypatch.setattr(subject, "batches", lambda *given: passes.append(given) or batches(*given))
    bound, kl = METRICS["elbo"].measure(subject)
    (error,) = METRICS["reconstruction"].measure(subject)
    assert len(passes) == 1 and (bound.better, error.better) == ("higher", "lower")
    np.testing.assert_allclose(bound.value, -(kl.value + error.value))
    assert "KL in closed form" in bound.protocol


def test_bits_of_fair_coins_are_one_per_dimension():
    assert likelihood.bits_per_dimension(-12 * np.log(2.0), 12) == 1.0
    # A uniform density on [0, 1] is 0 nats: 8 bits for 256 levels.
    np.testing.assert_array_equal(likelihood.bits_per_dimension([0.0, 0.0], 12, levels=256), [8.0, 8.0])
    with pytest.raises(ValueError, match="`levels` must be an integer >= 2"):
        likelihood.bits_per_dimension(0.0, 12, levels=1)
    with pytest.raises(ValueError, match="`num_dimensions` must be a positive integer"):
        likelihood.bits_per_dimension(0.0, 0)


def test_bits_say_what_they_mean():
    binary, gray = np.array([[0.0, 1.0]]), np.array([[0.0, 0.5]])
    models = {name: kae.models.VAE(likelihood=name) for name in ("bernoulli", "discretized_logistic", "normal")}
    assert "probabilities of discrete values" in meaning_of_bits(models["bernoulli"], binary)
    assert "probabilities of discrete values" in meaning_of_bits(models["discretized_logistic"], gray)
    assert "differential bits" in meaning_of_bits(models["normal"], gray)
    assert "256 levels" in meaning_of_bits(models["normal"], gray, 256)
    with pytest.raises(NotApplicableError, match="neither a probability nor a density"):
        meaning_of_bits(models["bernoulli"], gray)
    with pytest.raises(ValueError, match="`levels` must be None for DiscretizedLogistic, which is discrete"):
        meaning_of_bits(models["discretized_logistic"], gray, 256)


def test_metric_of_bits_is_the_likelihood_in_other_units(linear):
    subject = Subject(linear.model, linear.x)
    nats, _ = METRICS["log_likelihood"].measure(subject, num_samples=8)
    (bits,) = METRICS["bits_per_dimension"].measure(subject, num_samples=8)
    np.testing.assert_allclose(bits.value, -nats.value / 4 / np.log(2))
    np.testing.assert_allclose(bits.standard_error, nats.standard_error / 4 / np.log(2))
    assert "differential bits" in bits.protocol


def test_rate_distortion_curve_is_that_of_the_linear_model(linear):
    """q_beta is normal with the precision 1 + beta W'W / noise^2."""
    betas = (0.5, 1.0, 1.5)
    curve = likelihood.rate_distortion(linear.model, linear.x, betas=betas[::-1], num_samples=4000)
    np.testing.assert_array_equal(curve.betas, betas)
    centered = linear.x - linear.offset
    for beta, rate, distortion in zip(betas, curve.rate, curve.distortion, strict=True):
        covariance = np.linalg.inv(np.eye(2) + beta * linear.basis.T @ linear.basis / linear.noise**2)
        means = beta / linear.noise**2 * centered @ linear.basis @ covariance
        kl = 0.5 * ((means**2).sum(axis=1) + np.trace(covariance) - 2 - np.linalg.slogdet(covariance)[1])
        spread = np.trace(linear.basis @ covariance @ linear.basis.T)
        squares = ((centered - means @ linear.basis.T) ** 2).sum(axis=1) + spread
        error = 2 * np.log(2 * np.pi * linear.noise**2) + 0.5 * squares / linear.noise**2
        # Errors of about 1 / sqrt(effective sample size), which is 300 at worst.
        np.testing.assert_allclose(rate, kl, atol=0.2)
        np.testing.assert_allclose(distortion, error, atol=0.2)
        assert abs(np.mean(rate - kl)) < 0.03 and abs(np.mean(distortion - error)) < 0.03
    np.testing.assert_allclose(-(curve.rate[1] + curve.distortion[1]), linear.evidence, atol=0.1)
    assert curve.effective_sample_size.min() > 100


def test_metric_of_the_curve_has_the_point_of_the_encoder_above_it(linear):
    subject = Subject(linear.model, linear.x)
    rate, distortion = METRICS["rate_distortion"].measure(subject, num_samples=100, betas=(2.0,))
    details = rate.details
    assert details["beta"] == [1.0, 2.0] and rate.value == details["rate"][0]
    assert details["rate"][0] < details["rate"][1] and details["distortion"][0] > details["distortion"][1]
    # The encoder of the fixture is too wide: it loses the KL from q to the exact posterior.
    assert sum(details["encoder"].values()) > rate.value + distortion.value + 0.1


@pytest.mark.parametrize("betas", [(), (0.0,), (-1.0, 1.0), ("a",)])
def test_betas_must_be_positive(linear, betas):
    with pytest.raises(ValueError, match="`betas` must"):
        likelihood.rate_distortion(linear.model, linear.x, betas=betas)
