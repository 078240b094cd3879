"""KL of each dimension, active units, and the aggregate posterior, against closed forms and quadrature."""

import numpy as np
import pytest
from scipy import integrate, stats

import keras_ae as kae
from keras_ae.evaluate import METRICS, NotApplicableError, Subject, likelihood

MLP = kae.networks.MLP
X = np.random.default_rng(0).random((12, 6)).astype("float32")


def built(cls=kae.models.VAE, **arguments):
    model = cls(MLP([4]), MLP([4]), **{"latent_dim": 2, **arguments})
    model.build((None, 6))
    return model


def test_kl_of_each_dimension_is_the_closed_form(linear):
    kls = likelihood.kl_of_dimensions(linear.model, linear.x, batch_size=10)
    expected = 0.5 * (linear.means**2 + linear.scale**2 - 1) - np.log(linear.scale)
    np.testing.assert_allclose(kls, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(kls.sum(axis=1), linear.kl, rtol=1e-4)


def test_kl_of_parts_of_mixed_and_hierarchical_codes_adds_up():
    joint = built(kae.models.JointVAE, latent_dim=5, categories=[3])
    kls = likelihood.kl_of_dimensions(joint, X)
    assert kls.shape == (12, 3)  # two numbers and one variable of three classes
    np.testing.assert_allclose(kls.sum(axis=1), likelihood.elbo(joint, X, num_samples=1)["kl"], rtol=1e-4)
    ladder = built(kae.models.LadderVAE, latent_dim=3)
    kls, again = (likelihood.kl_of_dimensions(ladder, X, batch_size=size) for size in (12, 5))
    assert kls.shape == (12, 3) and (kls >= 0).all()
    np.testing.assert_allclose(kls, again, rtol=1e-4, atol=1e-6)


def test_kl_that_does_not_split_is_refused():
    mixture = built(prior=kae.latents.NormalMixture(3))
    with pytest.raises(NotApplicableError, match="prior NormalMixture do not both factorize over dimensions"):
        likelihood.kl_of_dimensions(mixture, X)
    with pytest.raises(NotApplicableError, match="AE has no KL of dimensions: it has no prior"):
        likelihood.kl_of_dimensions(built(kae.models.AE), X)


def test_metric_sorts_the_dimensions(linear):
    (found,) = METRICS["kl_of_dimensions"].measure(Subject(linear.model, linear.x))
    kls = likelihood.kl_of_dimensions(linear.model, linear.x).mean(axis=0)
    np.testing.assert_allclose(found.details["kl"], sorted(kls, reverse=True), rtol=1e-5)
    assert found.details["dimension"] == np.argsort(-kls).tolist() and found.value == found.details["kl"][0]


def test_active_units_are_those_whose_means_vary():
    codes = np.random.default_rng(0).normal(size=(500, 4)) * [1.0, 0.11, 0.08, 0.0]
    assert likelihood.active_units(codes).tolist() == [True, True, False, False]
    assert likelihood.active_units(np.ones([5, 3])).tolist() == [False] * 3
    for wrong in (codes[0], np.full([3, 2], np.nan)):
        with pytest.raises(ValueError, match=r"`codes` must be finite numbers \[N, D\]"):
            likelihood.active_units(wrong)
    with pytest.raises(NotApplicableError, match="`codes` must have at least 2 examples"):
        likelihood.active_units(codes[:1])
    with pytest.raises(ValueError, match="`threshold` must be a positive number"):
        likelihood.active_units(codes, threshold=0)


def test_metric_counts_active_units(linear):
    (found,) = METRICS["active_units"].measure(Subject(linear.model, linear.x))
    assert found.value == (linear.means.var(axis=0, ddof=1) > 0.01).sum() == 2
    np.testing.assert_allclose(found.details["variance"], linear.means.var(axis=0, ddof=1), rtol=1e-4)


def with_posterior(means, scale):
    """A model of as many examples as there are means, one-hot vectors, with q(z|x_n) = N(mean_n, scale^2)."""
    from keras.layers import Identity

    model, size = kae.models.VAE(Identity(), Identity(), latent_dim=1, likelihood="normal"), len(means)
    model.build((None, size))
    kernel = np.stack([means, np.zeros(size)], axis=1)
    model.posterior_layer.dense.set_weights([kernel, np.array([0.0, np.log(np.expm1(scale))])])
    return model, np.eye(size, dtype="float32")


def test_parts_of_the_kl_are_the_integrals():
    means, scale = np.array([-1.5, 0.3, 0.8]), 0.6
    model, x = with_posterior(means, scale)
    found = likelihood.kl_decomposition(model, x, num_draws=3000, seed=1)

    def log_q(z):
        return np.log(np.mean(stats.norm.pdf(z, means, scale)))

    def integral(of):
        return integrate.quad(lambda z: np.exp(log_q(z)) * of(z), -8, 8)[0]

    kl = np.mean(0.5 * (means**2 + scale**2 - 1) - np.log(scale))
    divergence = integral(lambda z: log_q(z) - stats.norm.logpdf(z))
    information = -integral(log_q) - stats.norm(0, scale).entropy()
    np.testing.assert_allclose(information + divergence, kl)
    assert found.num_examples == 3
    for values, expected in ((found.mutual_information, information), (found.aggregate_kl, divergence)):
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert error < 0.03 and abs(values.mean() - expected) < 3 * error
    # Of each draw, the parts add up to log q(z|x) - log p(z).
    both = found.mutual_information + found.aggregate_kl
    assert abs(both.mean() - kl) < 3 * both.std() / np.sqrt(3000)


def test_far_codes_know_the_example_and_equal_ones_nothing():
    model, x = with_posterior(np.arange(8) * 20.0, 0.5)
    information = likelihood.kl_decomposition(model, x, num_draws=20).mutual_information
    np.testing.assert_allclose(information, np.log(8), atol=1e-5)
    model, x = with_posterior(np.full(8, 0.7), 0.5)
    # The density of equal posteriors is added up in float32.
    np.testing.assert_allclose(likelihood.kl_decomposition(model, x, num_draws=20).mutual_information, 0, atol=1e-5)
    one = likelihood.kl_decomposition(model, x[:1], num_draws=5)
    np.testing.assert_allclose(one.mutual_information, 0, atol=1e-5)


def test_metrics_of_the_aggregate_posterior_share_draws_and_do_not_depend_on_batches(linear):
    (information,), (divergence,) = (
        METRICS[name].measure(Subject(linear.model, linear.x, batch_size=size), num_draws=30)
        for name, size in (("mutual_information", 25), ("aggregate_kl", 4))
    )
    found = likelihood.kl_decomposition(linear.model, linear.x, num_draws=30)
    np.testing.assert_allclose(information.value, found.mutual_information.mean(), atol=1e-5)
    np.testing.assert_allclose(divergence.value, found.aggregate_kl.mean(), atol=1e-5)
    assert information.details["largest_possible"] == np.log(25)


def test_codebook_tells_as_much_as_the_entropy_of_its_codes():
    model = built(kae.models.VQVAE, num_codes=3, code_dim=2)
    found = likelihood.kl_decomposition(model, X, num_draws=24)
    _, counts = np.unique(model.posterior(X).index.numpy(), axis=0, return_counts=True)
    # Every example is drawn twice.
    np.testing.assert_allclose(found.mutual_information.mean(), stats.entropy(counts / 12), atol=1e-5)
    assert found.aggregate_kl is None


def test_what_has_no_aggregate_posterior_is_refused():
    with pytest.raises(NotApplicableError, match="AE has no mutual information of x and z: its codes are points"):
        likelihood.kl_decomposition(built(kae.models.AE), X)
    model = built(kae.models.ConditionalPriorVAE, condition=kae.Categorical(3))
    subject = Subject(model, X, np.arange(12) % 3)
    with pytest.raises(NotApplicableError, match="no KL of the aggregate posterior: its prior depends on the cond"):
        METRICS["aggregate_kl"].measure(subject, num_draws=5)
    assert 0 < METRICS["mutual_information"].measure(subject, num_draws=5)[0].value < np.log(12)
