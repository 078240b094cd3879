"""Each score is higher for strange examples, and equals its formula where it has one."""

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae import likelihoods
from keras_ae.outliers import SCORES, Evidence, LikelihoodRatio, outlier_statistics
from keras_ae.outliers.tails import Tail


@pytest.fixture(scope="module")
def model(digits):
    model = kae.models.VAE(latent_dim=4)
    model.compile(run_eagerly=False)
    model.fit(digits[0][:1000], epochs=15, verbose=0)
    return model


@pytest.fixture(scope="module")
def usual(model, digits):
    return Evidence(model, digits[0][1000:1400])


@pytest.mark.parametrize("name", SCORES)
def test_scrambled_digits_are_stranger_than_digits(model, usual, digits, name):
    x = digits[0][1400:1500]
    order = np.random.default_rng(0).permutation(64)
    scrambled = x.reshape(len(x), 64)[:, order].reshape(x.shape)
    score = SCORES[name]().fit(usual)
    fresh, strange = (score(Evidence(model, each, compute=usual._compute)) for each in (x, scrambled))
    assert fresh.shape == (100,) and np.isfinite(fresh).all() and np.isfinite(strange).all()
    # 100 x 100 pairs. Scores of codes see nothing but where the encoder puts the example.
    assert np.mean(strange[:, None] > fresh[None]) > (0.6 if name.startswith("code") else 0.85)


def test_a_blank_image_is_suspiciously_likely(model, usual, digits):
    blank = np.zeros([1, 8, 8, 1], np.float32)
    auto = SCORES["auto"]().fit(usual)
    assert auto(Evidence(model, blank))[0] > np.quantile(auto(Evidence(model, digits[0][1400:1600])), 0.99)


def test_statistics_are_their_formulas(model, digits):
    x = digits[0][:20]
    found = outlier_statistics(model, x)
    z = model.encode(x)
    p = np.asarray(model.decode(z), np.float64)
    np.testing.assert_allclose(found["squared_error"], ((x - p) ** 2).sum(axis=(1, 2, 3)), rtol=1e-4)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(x > 0, x * np.log(x / p), 0) + np.where(x < 1, (1 - x) * np.log((1 - x) / (1 - p)), 0)
    np.testing.assert_allclose(found["deviance"], terms.sum(axis=(1, 2, 3)), rtol=1e-3)
    np.testing.assert_allclose(found["largest_error"], terms.max(axis=(1, 2, 3)), rtol=1e-3)
    np.testing.assert_allclose(found["code_norm"], np.linalg.norm(z, axis=1), rtol=1e-5)
    shift = np.linalg.norm(model.encode(model.decode(z)) - z, axis=1)
    np.testing.assert_allclose(found["code_shift"], shift, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found["elbo"], -(found["kl"] + found["reconstruction"]), rtol=1e-5)


@pytest.mark.parametrize(
    ("likelihood", "x"),
    [
        (likelihoods.Bernoulli(), np.array([0.0, 0.3, 1.0])),
        (likelihoods.Normal(scale=0.5), np.array([-1.0, 0.0, 2.0])),
        (likelihoods.Normal(scale="pixel"), np.array([-1.0, 0.0, 2.0])),
        (likelihoods.Laplace(scale=0.5), np.array([-1.0, 0.0, 2.0])),
        (likelihoods.Poisson(), np.array([0.0, 1.0, 7.0])),
        (likelihoods.NegativeBinomial(concentration=3.0), np.array([0.0, 1.0, 7.0])),
        (likelihoods.DiscretizedLogistic(levels=5), np.array([0.0, 0.25, 1.0])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_location_is_better_than_the_best(likelihood, x):
    """A fine grid of raw locations: its best log-probability is just below the closed form."""
    likelihood.set_event_shape((3,))
    likelihood.build((None, 4))
    raw = np.linspace(-40.0, 40.0, 40_001, dtype=np.float32)
    params = np.repeat(raw[:, None], 3, axis=1)
    if likelihood.parameters_per_value == 2:
        params = np.stack([params, np.full_like(params, 0.3)], axis=-1)
    x = tf.constant(x, tf.float32)
    grid = likelihood.value_log_prob(tf.constant(params), x).numpy().max(axis=0)
    best = likelihood.best_log_prob(tf.constant(params[:1]), x).numpy().reshape(-1)
    np.testing.assert_allclose(grid, best, atol=2e-3)  # the step of the grid
    assert (grid <= best + 1e-5).all()


def test_values_add_up_to_the_log_probability(digits):
    likelihood = likelihoods.Bernoulli(event_shape=(8, 8, 1))
    likelihood.build((None, 16))
    params = likelihood(np.random.default_rng(0).normal(size=[5, 16]).astype("float32"))
    values = likelihood.value_log_prob(params, digits[0][:5])
    whole = likelihood.distribution(params).log_prob(digits[0][:5])
    np.testing.assert_allclose(tf.reduce_sum(values, axis=[1, 2, 3]), whole, rtol=1e-5)


def test_a_likelihood_without_a_closed_form_has_no_deviance(digits):
    model = kae.models.VAE(latent_dim=2, likelihood="continuous_bernoulli")
    model.build((None, 8, 8, 1))
    evidence = Evidence(model, digits[0][:50])
    assert "deviance" not in evidence.statistics
    with pytest.raises(ValueError, match=r"VAE has no deviance for single examples. It has: code_norm"):
        SCORES["deviance"]().fit(evidence)(evidence)
    assert np.isfinite(SCORES["auto"]().fit(evidence)(evidence)).all()


def test_a_ratio_to_the_same_model_is_zero(model, usual):
    np.testing.assert_allclose(LikelihoodRatio(model).fit(usual)(usual), 0.0, atol=1e-3)  # of about 20 nats, float32


def test_the_tail_of_an_exponential_distribution_is_linear():
    tail = Tail(np.random.default_rng(0).exponential(size=100_000))
    s = np.array([0.1, 1.0, 2.0, 10.0])
    np.testing.assert_allclose(tail(s), s, rtol=0.05)  # the mean excess of 5,000 values
    assert (np.diff(tail(np.linspace(-1.0, 20.0, 400))) >= 0).all()


def test_a_constant_statistic_has_a_tail():
    tail = Tail(np.ones(10))
    assert np.isfinite(tail(np.array([0.0, 1.0, 2.0]))).all() and tail(np.array([2.0])) > tail(np.array([1.0]))
