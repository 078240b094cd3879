"""KL by dimension, free bits and capacity against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_ae as kae
from keras_ae.latents.spaces import Formula
from keras_ae.objectives import ELBO, Capacity, kl_by_dimension
from keras_ae.schedules import LinearWarmUp
from keras_ae.step_context import StepContext

tfd = tfp.distributions
RNG = np.random.default_rng(0)
LOC, SCALE = RNG.normal(size=(7, 3)).astype("float32"), RNG.uniform(0.2, 1.5, size=(7, 3)).astype("float32")
RATES = 0.5 * (SCALE**2 + LOC**2 - 1 - 2 * np.log(SCALE)).astype("float64")  # [B, D]
POSTERIOR = tfd.Independent(tfd.Normal(LOC, SCALE), 1)
PRIOR = tfd.Independent(tfd.Normal(tf.zeros(3), 1.0), 1)


def terms_of(objective, posterior=POSTERIOR, prior=PRIOR, step=0):
    def likelihood(z):
        return tfd.Independent(tfd.Normal(z, 1.0), 1)

    return objective.call(LOC, lambda x: posterior, prior, likelihood, StepContext(tf.constant([1, 2]), step=step))


def test_kl_by_dimension_equals_numpy_and_adds_up_to_the_rate():
    kls = kl_by_dimension(POSTERIOR, PRIOR)
    np.testing.assert_allclose(kls, RATES, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(kls, axis=1), tfd.kl_divergence(POSTERIOR, PRIOR), rtol=1e-5)


def test_kl_by_dimension_of_a_prior_for_each_example():
    prior = tfd.Independent(tfd.Normal(LOC, 2.0), 1)
    expected = np.log(2 / SCALE) + SCALE**2 / 8 - 0.5
    np.testing.assert_allclose(kl_by_dimension(POSTERIOR, prior), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("free_bits", [0.25, 0.8, 5.0])
def test_free_bits_equal_numpy(free_bits):
    terms = terms_of(ELBO(beta=2.0, free_bits=free_bits))
    held = np.maximum(RATES, free_bits).sum(axis=1)
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + 2 * held, rtol=1e-5)
    np.testing.assert_allclose(terms["kl"], RATES.sum(axis=1), rtol=1e-5)  # what is shown stays the true KL


def test_free_bits_of_nothing_are_the_plain_bound():
    np.testing.assert_allclose(terms_of(ELBO(free_bits=0.0))["loss"], terms_of(ELBO())["loss"], rtol=1e-6)


def test_dimension_below_its_free_bits_gets_no_gradient_from_the_rate():
    loc, scale = tf.Variable(LOC), tf.Variable(SCALE)
    with tf.GradientTape() as tape:
        posterior = tfd.Independent(tfd.Normal(loc, scale), 1)
        objective = ELBO(free_bits=0.5)
        penalty = objective.penalty(tfd.kl_divergence(posterior, PRIOR), posterior, PRIOR, step=0)
    by_loc, by_scale = tape.gradient(penalty, [loc, scale])
    held = RATES < 0.5
    assert 0 < held.sum() < held.size
    np.testing.assert_allclose(by_loc, np.where(held, 0, LOC), rtol=1e-5)
    np.testing.assert_allclose(by_scale, np.where(held, 0, SCALE - 1 / SCALE), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("step", [0, 3, 10, 99])
def test_capacity_equals_its_formula(step):
    terms = terms_of(Capacity(LinearWarmUp(10, start=0.5, end=4.0), gamma=30.0), step=tf.constant(step))
    capacity = 0.5 + 3.5 * min(step / 10, 1)
    expected = terms["reconstruction"] + 30 * np.abs(RATES.sum(axis=1) - capacity)
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-5, atol=1e-4)  # gamma times float32 KLs near 4


def test_capacity_of_nothing_is_the_bound_with_a_heavy_rate():
    np.testing.assert_allclose(terms_of(Capacity(0.0, 7.0))["loss"], terms_of(ELBO(beta=7.0))["loss"], rtol=1e-6)


@pytest.mark.slow
def test_training_brings_the_rate_to_the_capacity():
    x = (np.random.default_rng(2).random((256, 8)) > 0.5).astype("float32")
    model = kae.models.VAE(
        kae.networks.MLP([16]), kae.networks.MLP([16]), latent_dim=3, objective=Capacity(2.0, gamma=50.0)
    )
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    kl = model.fit(x, epochs=60, batch_size=16, verbose=0).history["kl"][-1]
    assert kl == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    "posterior, prior",
    [
        (POSTERIOR, tfd.MixtureSameFamily(tfd.Categorical(logits=[0.0, 0.0]), tfd.MultivariateNormalDiag(LOC[:2]))),
        (tfd.MultivariateNormalTriL(LOC, np.tile(np.eye(3, dtype="float32"), [7, 1, 1])), PRIOR),
    ],
)
def test_free_bits_are_refused_where_there_are_no_rates_by_dimension(posterior, prior):
    with pytest.raises(NotImplementedError, match=r"factorize over dimensions \(tfd.Independent\)\. Received: "):
        terms_of(ELBO(free_bits=0.1), posterior, prior)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"free_bits": -0.1}, "`free_bits` must be a finite number >= 0. Received: free_bits=-0.1"),
        ({"free_bits": None}, "`free_bits` must be a finite number"),
        ({"free_bits": 0.1, "kl": "monte_carlo"}, "`free_bits` needs the KL in closed form"),
    ],
)
def test_free_bits_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ELBO(**arguments)


class Laplace(kae.latents.Prior):
    formulas = frozenset({Formula.FACTORIZED})

    def distribution(self, context=None):
        return tfd.Independent(tfd.Laplace(tf.zeros(self.event_shape), 1.0), 1)


def test_free_bits_are_refused_where_a_rate_has_no_closed_form():
    with pytest.raises(ValueError, match=r"`free_bits` needs a posterior and a prior .*prior=Laplace"):
        kae.Autoencoder(latent_dim=4, prior=Laplace(), objective=ELBO(free_bits=0.1))
