"""Poisson and negative binomial: the likelihoods of counts."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize, stats

import keras_ae as kae
from keras_ae import likelihoods

EVENT = (3, 2)
RNG = np.random.default_rng(0)
RAW = RNG.normal(scale=3, size=(6, *EVENT)).astype("float32")
COUNTS = RNG.integers(0, 40, size=(6, *EVENT)).astype("float32")


def built(likelihood, event=EVENT):
    likelihood.set_event_shape(event)
    likelihood.build((None, 5))
    return likelihood


def softplus(raw):
    return np.logaddexp(0.0, raw.astype("float64"))


def test_poisson_log_prob_equals_scipy():
    rate = softplus(RAW) + 1e-6
    log_prob = built(likelihoods.Poisson()).distribution(RAW).log_prob(COUNTS)
    np.testing.assert_allclose(log_prob, stats.poisson(rate).logpmf(COUNTS).sum(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize("concentration", [0.2, 5.0, 300.0])
def test_negative_binomial_log_prob_equals_scipy(concentration):
    rate = softplus(RAW) + 1e-6
    expected = stats.nbinom(concentration, concentration / (concentration + rate)).logpmf(COUNTS).sum(axis=(1, 2))
    log_prob = built(likelihoods.NegativeBinomial(concentration)).distribution(RAW).log_prob(COUNTS)
    np.testing.assert_allclose(log_prob, expected, rtol=2e-5)  # float32 log-gamma functions


def test_negative_binomial_of_pixel_concentration_equals_scipy():
    params = RNG.normal(size=(6, *EVENT, 2)).astype("float32")
    rate, r = softplus(params[..., 0]) + 1e-6, softplus(params[..., 1]) + 1e-3
    layer = built(likelihoods.NegativeBinomial("pixel"))
    expected = stats.nbinom(r, r / (r + rate)).logpmf(COUNTS).sum(axis=(1, 2))
    np.testing.assert_allclose(layer.distribution(params).log_prob(COUNTS), expected, rtol=2e-5)
    np.testing.assert_allclose(layer.mean(params), rate, rtol=1e-6)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
def test_the_mean_is_the_rate_and_that_of_the_distribution(name):
    layer = built(likelihoods.get(name))
    np.testing.assert_allclose(layer.mean(RAW), softplus(RAW) + 1e-6, rtol=1e-6)
    np.testing.assert_allclose(layer.distribution(RAW).mean(), layer.mean(RAW), rtol=1e-5)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("raw", [-200.0, 200.0])
def test_extreme_rates_give_finite_values_and_gradients(name, raw):
    layer, raw = built(likelihoods.get(name), (1,)), tf.fill([3, 1], raw)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        log_prob = layer.distribution(raw).log_prob([[0.0], [1.0], [1000.0]])
    assert np.isfinite(log_prob).all() and np.isfinite(tape.gradient(log_prob, raw)).all()


@pytest.mark.slow
def test_shared_concentration_learns_the_maximum_of_the_likelihood():
    rate, x = 4.0, np.random.default_rng(1).negative_binomial(2.0, 2.0 / 6.0, size=(2000, 1)).astype("float32")
    layer = built(likelihoods.NegativeBinomial(), (1,))
    raw = tf.fill([2000, 1], float(np.log(np.expm1(rate))))
    for _ in range(400):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(layer.distribution(raw).log_prob(x))
        layer.raw_scale.assign_sub(2.0 * tape.gradient(loss, layer.raw_scale.value))
    best = optimize.minimize_scalar(
        lambda r: -stats.nbinom(r, r / (r + rate)).logpmf(x).mean(), bounds=(0.1, 20), method="bounded"
    ).x
    assert float(layer.loc_and_scale(raw)[1]) == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("value, received", [(-1, "-1"), (2.5, "2.5")])
def test_the_doors_refuse_what_is_no_count(name, value, received):
    x = np.full([8, 3], 7.0, "float32")
    model = kae.models.VAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, likelihood=name)
    model.compile(jit_compile=False)
    model.build((None, 3))
    x[5, 1] = value
    with pytest.raises(
        ValueError, match=rf"`x` must be whole and in \[0, inf\)\..* Received: {received} at index \(5, 1"
    ):
        model.fit(x, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`x` must be finite and whole and in \[0, inf\)"):
        model.fit(tf.data.Dataset.from_tensor_slices(x).batch(4), verbose=0)
