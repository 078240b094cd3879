"""Which posterior goes with which prior."""

import pytest

import keras_ae as kae
from keras_ae import latents


@pytest.mark.parametrize(
    "posterior, prior, message",
    [
        ("power_spherical", "standard_normal", "PowerSpherical over the unit sphere and StandardNormal over real vec"),
        ("diagonal_normal", "spherical_uniform", "DiagonalNormal over real vectors and SphericalUniform over the unit"),
        ("relaxed_categorical", "normal_mixture", "over one-hot vectors of 10 classes and NormalMixture over real"),
        ("relaxed_categorical", latents.UniformCategorical(5), "of 10 classes and UniformCategorical over .* of 5 c"),
        ("inverse_autoregressive_flow", "uniform_categorical", "InverseAutoregressiveFlow over real vectors and Unif"),
    ],
)
def test_codes_of_two_kinds_are_refused_at_construction(posterior, prior, message):
    with pytest.raises(ValueError, match=f"`prior` must be over the same codes as `posterior`. Received: .*{message}"):
        kae.models.VAE(latent_dim=10, posterior=posterior, prior=prior)


@pytest.mark.parametrize("prior", ["standard_normal", "spherical_uniform", "uniform_categorical"])
def test_a_deterministic_code_goes_with_every_kind_of_prior(prior):
    model = kae.Autoencoder(latent_dim=10, posterior="deterministic", prior=prior, objective="reconstruction")
    model.build((None, 4))
    assert model.sample(2).shape == (2, 4)


@pytest.mark.parametrize(
    "posterior, prior, latent_dim, message",
    [
        ("power_spherical", "spherical_uniform", 1, "`latent_dim` must be >= 2 .* Received: latent_dim=1"),
        ("diagonal_normal", "real_nvp", 1, "`latent_dim` must be >= 2 .* Received: latent_dim=1"),
        ("relaxed_categorical", "uniform_categorical", 16, "must be a multiple of the 10 classes .* latent_dim=16"),
    ],
)
def test_dimensions_without_such_codes_are_refused_at_construction(posterior, prior, latent_dim, message):
    with pytest.raises(ValueError, match=message):
        kae.models.VAE(latent_dim=latent_dim, posterior=posterior, prior=prior)


@pytest.mark.parametrize("prior", [latents.NormalMixture(3), latents.MixedPrior([latents.StandardNormal()], [4])])
def test_a_prior_is_no_sampler(prior):
    with pytest.raises(TypeError, match=r"`sampler` must be a name or an instance of Sampler\. Received: \w+"):
        kae.Autoencoder(latent_dim=4, posterior="deterministic", prior=None, objective="reconstruction", sampler=prior)


def test_a_sampler_is_no_prior():
    with pytest.raises(ValueError, match="`prior` GaussianMixtureSampler is a sampler: pass it to `fit_sampler`"):
        kae.Autoencoder(latent_dim=4, prior=kae.latents.GaussianMixtureSampler(2))
    with pytest.raises(ValueError, match="`parts` must be priors that need no model"):
        latents.MixedPrior([kae.latents.GaussianMixtureSampler(2), latents.StandardNormal()], [2, 2])
