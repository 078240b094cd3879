import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats

from keras_ae import latents


def normal_posterior(loc, log_variance, dim=10):
    """q(z|x) with the given mean and log-variance in every dimension, through the layer's own parametrization."""
    scale = np.exp(0.5 * log_variance) - 1e-5
    raw = np.log(np.expm1(scale))
    return latents.DiagonalNormal().distribution(tf.constant([[loc] * dim + [raw] * dim], tf.float32))


def standard_normal(dim=10):
    prior = latents.StandardNormal()
    prior.build((None, dim))
    return prior


# 10 dimensions; the third is 5 (e - 1).
@pytest.mark.parametrize("loc, log_variance, expected", [(0, 0, 0.0), (1, 0, 5.0), (1, 1, 8.59141)])
def test_kl_to_the_standard_normal_meets_the_closed_form(loc, log_variance, expected):
    kl = tfp.distributions.kl_divergence(normal_posterior(loc, log_variance), standard_normal().distribution())
    np.testing.assert_allclose(kl, [expected], atol=1e-5)


def test_diagonal_normal_log_prob_equals_scipy():
    q = normal_posterior(0.5, -1.0, dim=3)
    z = np.random.default_rng(0).normal(size=(7, 1, 3)).astype("float32")
    expected = stats.norm(0.5, np.exp(-0.5)).logpdf(z).sum(axis=-1)
    np.testing.assert_allclose(q.log_prob(z), expected, rtol=1e-5)


@pytest.fixture
def full_covariance():
    """q(z|x) of two examples in three dimensions, its means and covariances in float64."""
    layer = latents.FullCovarianceNormal()
    layer.set_latent_dim(3)
    layer.build((None, 4))
    q = layer.distribution(np.random.default_rng(2).normal(size=(2, 9)).astype("float32"))
    factor = q.scale_tril.numpy().astype("float64")
    assert (np.triu(factor, 1) == 0).all() and (np.diagonal(factor, axis1=1, axis2=2) > 0).all()
    return q, q.mean().numpy().astype("float64"), factor @ factor.transpose(0, 2, 1)


def test_full_covariance_log_prob_equals_scipy(full_covariance):
    q, mean, covariance = full_covariance
    z = np.random.default_rng(0).normal(size=(7, 2, 3)).astype("float32")
    expected = [stats.multivariate_normal(mean[i], covariance[i]).logpdf(z[:, i]) for i in range(2)]
    np.testing.assert_allclose(q.log_prob(z), np.transpose(expected), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(q.stddev(), np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)), rtol=1e-5)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_full_covariance_starts_as_the_diagonal_normal(dim):
    layer = latents.FullCovarianceNormal()
    layer.set_latent_dim(dim)
    layer.build((None, 4))
    params = layer(np.random.default_rng(3).normal(size=(6, 4)).astype("float32"))
    q, diagonal = layer.distribution(params), latents.DiagonalNormal().distribution(params[:, : 2 * dim])
    z = np.random.default_rng(4).normal(size=(6, dim)).astype("float32")
    np.testing.assert_allclose(q.log_prob(z), diagonal.log_prob(z), rtol=1e-4, atol=1e-4)


def test_full_covariance_kl_to_the_standard_normal_meets_the_closed_form(full_covariance):
    q, mean, covariance = full_covariance
    trace = np.trace(covariance, axis1=1, axis2=2)
    expected = 0.5 * (trace + (mean**2).sum(axis=1) - 3 - np.linalg.slogdet(covariance)[1])
    kl = tfp.distributions.kl_divergence(q, standard_normal(3).distribution())
    np.testing.assert_allclose(kl, expected, rtol=1e-5)


def test_full_covariance_has_no_closed_form_to_a_mixture(full_covariance):
    prior = latents.NormalMixture(2)
    prior.build((None, 3))
    with pytest.raises(NotImplementedError):
        tfp.distributions.kl_divergence(full_covariance[0], prior.distribution())


@pytest.fixture
def mixture():
    prior = latents.NormalMixture(3)
    prior.build((None, 2))
    prior.logits.assign([0.0, 1.0, -1.0])
    prior.loc.assign([[-2.0, 0.0], [2.0, 1.0], [0.0, -3.0]])
    prior.raw_scale.assign([[0.0, 1.0], [-1.0, 0.5], [1.0, 1.0]])
    return prior


def test_mixture_density_equals_scipy(mixture):
    z = np.random.default_rng(1).normal(scale=3, size=(50, 2)).astype("float32")
    weights = special.softmax(mixture.logits.numpy())
    scale = np.log1p(np.exp(mixture.raw_scale.numpy())) + 1e-5
    density = sum(
        w * stats.norm(loc, s).pdf(z).prod(axis=1)
        for w, loc, s in zip(weights, mixture.loc.numpy(), scale, strict=True)
    )
    np.testing.assert_allclose(mixture.distribution().log_prob(z), np.log(density), rtol=1e-4, atol=1e-5)


def test_portable_mixture_samples_follow_its_density(mixture):
    z = mixture.sample(tf.fill([20000], 5), tf.range(20000)).numpy()
    weights = special.softmax(mixture.logits.numpy())
    scale = np.log1p(np.exp(mixture.raw_scale.numpy())) + 1e-5
    for axis in range(2):
        loc = mixture.loc.numpy()[:, axis]

        def cdf(v, axis=axis, loc=loc):
            return sum(w * stats.norm(m, s).cdf(v) for w, m, s in zip(weights, loc, scale[:, axis], strict=True))

        assert stats.kstest(z[:, axis], cdf).pvalue > 1e-3


def test_prior_weights_are_tracked_and_get_gradients(mixture):
    assert len(mixture.trainable_variables) == 3
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(mixture.distribution().log_prob(tf.ones([4, 2])))
    assert all(g is not None for g in tape.gradient(loss, mixture.trainable_variables))


def test_deterministic_posterior_gives_its_parameters():
    params = tf.constant([[1.0, -2.0]])
    layer = latents.Deterministic()
    np.testing.assert_array_equal(layer.mean(params), params)
    np.testing.assert_array_equal(layer.distribution(params).sample(3, seed=[0, 0])[2], params)


@pytest.mark.parametrize("components", [0, -3, 2.5, "many"])
def test_mixture_refuses_a_number_of_components_that_is_none(components):
    with pytest.raises(ValueError, match="`components` must be"):
        latents.NormalMixture(components)


def test_unknown_prior_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match=r"`prior` must be one of .*Did you mean 'standard_normal'\?"):
        latents.priors.get("standard_norml")


def test_class_in_place_of_an_instance_is_refused():
    with pytest.raises(TypeError, match=r"write NormalMixture\(\.\.\.\)"):
        latents.priors.get(latents.NormalMixture)
