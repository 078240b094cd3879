"""The temperature of samples: what it multiplies and divides, prior by prior and posterior by posterior."""

import numpy as np
import pytest
import tensorflow as tf
from parts import DIM, part
from scipy import special, stats

import keras_ae as kae
from keras_ae import latents, random
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior

SEEDS, ROWS = tf.fill([64], 5), tf.range(64)
CONTEXT = tf.constant(np.random.default_rng(3).normal(size=(64, 2)), tf.float32)
# Priors made of normal noise: each with the codes [B, 4] that some noise [B, 4] stands for.
OF_NOISE = {
    "standard_normal": lambda prior, noise: noise,
    "conditional_normal": lambda prior, noise: _parameters(prior)[0] + _parameters(prior)[1] * noise,
    "real_nvp": lambda prior, noise: prior.forward(noise)[0],
    "masked_autoregressive_flow": lambda prior, noise: prior.forward(noise)[0],
    "hierarchical_normal": lambda prior, noise: prior.distribution().descend(noise),
}
UNIFORM = ["spherical_uniform", "uniform_categorical"]
ALONE = sorted(set(latents.PRIORS) - {"vamp", "autoregressive"})  # which are priors of a model alone


def _parameters(prior):
    given = prior.distribution(CONTEXT)
    return given.mean(), given.stddev()


def made(name):
    prior = part("prior", name)
    prior.build([(None, DIM), (None, 2)])
    rng = np.random.default_rng(0)
    prior.set_weights([rng.normal(size=w.shape, scale=0.5) for w in prior.get_weights()])
    return prior


@pytest.mark.parametrize("name", OF_NOISE)
def test_normal_noise_is_multiplied_by_the_temperature(name):
    prior, noise = made(name), random.normal(SEEDS, ROWS, 4)
    for temperature in (0.3, tf.constant(1.7)):
        z = prior.sample(SEEDS, ROWS, CONTEXT, temperature)
        # The noise is rounded otherwise, and flows stretch it by up to exp(3) a map.
        np.testing.assert_allclose(z, OF_NOISE[name](prior, temperature * noise), rtol=1e-3, atol=1e-3)
    assert np.abs(z - prior.sample(SEEDS, ROWS, CONTEXT)).max() > 0.1


@pytest.mark.parametrize("name", ALONE)
def test_a_temperature_of_1_changes_no_bit(name):
    prior = made(name)
    z = prior.sample(SEEDS, ROWS, CONTEXT)
    for one in (1.0, tf.constant(1.0)):  # to multiply and divide by it is exact on every processor
        np.testing.assert_array_equal(prior.sample(SEEDS, ROWS, CONTEXT, one), z)


@pytest.mark.parametrize("name", sorted(set(ALONE) - set(UNIFORM)))
def test_codes_of_one_condition_vary_less_as_the_temperature_falls(name):
    prior, context = made(name), tf.repeat(CONTEXT[:1], 64, axis=0)
    near, far = (np.std(prior.sample(SEEDS, ROWS, context, temperature), axis=0).sum() for temperature in (0.1, 1.0))
    assert near < 0.9 * far


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_priors_have_no_temperature(name):
    prior = made(name)
    np.testing.assert_array_equal(prior.sample(SEEDS, ROWS, None, 0.2), prior.sample(SEEDS, ROWS))


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_mixture_divides_its_logits_and_multiplies_its_noise(temperature):
    prior, num = latents.NormalMixture(3), 20_000
    prior.build((None, 1))
    weights, loc, scale = (
        np.array([0.2, 0.3, 0.5]),
        np.array([[-100.0], [0.0], [100.0]]),
        np.array([[1.0], [2.0], [3.0]]),
    )
    prior.assign(weights, loc, scale)
    z = prior.sample(tf.fill([num], 5), tf.range(num), None, temperature).numpy()
    component = np.abs(z - loc[:, 0]).argmin(axis=1)
    expected = num * special.softmax(np.log(weights) / temperature)
    assert stats.chisquare(np.bincount(component, minlength=3), expected).pvalue > 1e-3
    noise = (z - loc[component]) / (temperature * scale[component])
    assert stats.kstest(noise[:, 0], "norm").pvalue > 1e-3


def test_pseudo_inputs_are_drawn_alike_and_the_noise_of_their_posterior_is_multiplied():
    network = kae.networks.MLP
    model = kae.Autoencoder(network([8]), network([8]), latent_dim=2, prior=latents.VampPrior(5))
    model.build((None, 6))
    prior = model.prior_layer
    loc = model.encode(prior.pseudo_inputs.numpy()).numpy()[random.index(SEEDS, ROWS, 5, stream=1).numpy()]
    whole, half = (prior.sample(SEEDS, ROWS, None, temperature).numpy() for temperature in (1.0, 0.5))
    assert np.abs(whole - loc).max() > 1
    np.testing.assert_allclose(half - loc, 0.5 * (whole - loc), atol=1e-5)


def test_parts_of_a_mixed_prior_each_have_it():
    prior = latents.MixedPrior([latents.StandardNormal(), latents.UniformCategorical(3)], (2, 3))
    prior.build((None, 5))
    whole, half = (prior.sample(SEEDS, ROWS, None, temperature).numpy() for temperature in (1.0, 0.5))
    np.testing.assert_allclose(half[:, :2], 0.5 * whole[:, :2], rtol=1e-6)
    np.testing.assert_array_equal(half[:, 2:], whole[:, 2:])


# Of mixed codes, each part does so.
DRAWN = sorted(
    name for name, cls in latents.POSTERIORS.items() if name != "mixed" and not issubclass(cls, latents.Deterministic)
)


@pytest.mark.parametrize("name", DRAWN)
def test_draws_of_a_posterior_meet_in_its_middle_as_the_temperature_falls(name):
    network, parts = kae.networks.MLP, {"prior": None, "objective": "reconstruction"}
    if isinstance(latents.posteriors.get(name), HierarchicalPosterior):
        parts = {"prior": latents.HierarchicalNormal((5, 5), hidden=(4,))}
    model = kae.Autoencoder(network([8]), network([8]), latent_dim=10, posterior=name, **parts)
    model.build((None, 6))
    params = model.posterior_params(tf.random.stateless_uniform([64, 6], [1, 2]))
    if isinstance(model.posterior_layer, latents.RelaxedCategorical):
        params *= 100.0  # the most likely class is more likely than the others by more than the noise that is left
    middle = model.posterior_layer.mean(params).numpy()
    if isinstance(model.posterior_layer, latents.RelaxedCategorical):
        middle = np.eye(10)[middle.argmax(axis=1)]
    near, far = (model.posterior_layer.draw(params, SEEDS, ROWS, temperature).numpy() for temperature in (1e-3, 1.0))
    np.testing.assert_allclose(near, middle, atol=0.05)  # noise below 6, and flows that stretch it
    assert np.abs(far - middle).max() > 0.5


def test_relaxed_categorical_draws_one_hot_vectors_with_its_probabilities():
    layer, num = latents.RelaxedCategorical(3), 20_000
    layer.set_latent_dim(6)
    layer.build((None, 4))
    params = tf.repeat([[0.0, 1.0, 2.0, 1.0, 0.0, -1.0]], num, axis=0)
    z = layer.draw(params, tf.fill([num], 5), tf.range(num)).numpy().reshape(num, 2, 3)
    np.testing.assert_array_equal(np.sort(z, axis=-1), np.tile([0.0, 0.0, 1.0], [num, 2, 1]))
    probabilities = special.softmax([[0.0, 1.0, 2.0], [1.0, 0.0, -1.0]], axis=-1)
    np.testing.assert_allclose(layer.mean(params[:1]).numpy().reshape(2, 3), probabilities, rtol=1e-5)
    together = np.einsum("na,nb->ab", z[:, 0], z[:, 1])
    assert stats.chisquare(together.ravel(), num * np.outer(*probabilities).ravel()).pvalue > 1e-3  # independent, too
    np.testing.assert_array_equal(layer.draw(params[:3], tf.fill([3], 5), tf.range(4, 7)), z[4:7].reshape(3, 6))
