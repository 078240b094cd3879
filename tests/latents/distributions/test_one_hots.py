"""Codes of one-hot vectors, and their relaxed form."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats

import keras_ae as kae
from keras_ae import latents


def posterior(num_classes=3, groups=2, **arguments):
    layer = latents.RelaxedCategorical(num_classes, **arguments)
    layer.set_latent_dim(num_classes * groups)
    layer.build((None, 4))
    return layer


PARAMS = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
PROBS = special.softmax(PARAMS.reshape(4, 2, 3).astype("float64"), axis=-1)


def prior_of(num_classes, dim):
    prior = latents.UniformCategorical(num_classes)
    prior.build((None, dim))
    return prior


def test_rate_is_the_discrete_divergence():
    expected = (np.log(3) - stats.entropy(PROBS, axis=-1)).sum(axis=-1)
    prior = prior_of(3, 6).distribution()
    layer = posterior()
    for q in (layer.distribution(PARAMS), layer.exact(PARAMS)):
        np.testing.assert_allclose(tfp.distributions.kl_divergence(q, prior), expected, rtol=1e-5)


def test_relaxed_samples_have_the_classes_of_the_probabilities():
    """The largest value of softmax((logits + Gumbel) / temperature) is that of a categorical draw."""
    z = posterior(temperature=0.3).distribution(PARAMS).sample(20000, seed=[1, 2]).numpy().reshape(20000, 4, 2, 3)
    np.testing.assert_allclose(z.sum(axis=-1), 1, atol=1e-5)
    found = np.eye(3)[z.argmax(axis=-1)].mean(axis=0)
    np.testing.assert_allclose(found, PROBS, atol=4 * 0.5 / np.sqrt(20000))


def test_relaxed_samples_approach_one_hot_vectors_as_the_temperature_falls():
    largest = [
        posterior(temperature=t).distribution(PARAMS).sample(1000, seed=[1, 2]).numpy().max(axis=-1).mean()
        for t in (10.0, 1.0, 0.01)
    ]
    assert largest[0] < 0.5 < largest[1] < 0.99 < largest[2]


def test_exact_samples_are_one_hot_and_their_log_prob_is_the_probability():
    q = posterior().exact(PARAMS)
    z = q.sample(2000, seed=[1, 2]).numpy()
    assert set(np.unique(z)) == {0.0, 1.0}
    np.testing.assert_array_equal(z.reshape(2000, 4, 2, 3).sum(axis=-1), 1)
    classes = z.reshape(2000, 4, 2, 3).argmax(axis=-1)
    expected = np.log(PROBS[np.arange(4)[:, None], np.arange(2), classes]).sum(axis=-1)
    np.testing.assert_allclose(q.log_prob(z), expected, rtol=1e-5)
    np.testing.assert_allclose(posterior().mean(PARAMS), PROBS.reshape(4, 6), rtol=1e-5)


def test_portable_samples_are_uniform_one_hot_vectors():
    z = prior_of(5, 10).sample(tf.fill([20000], 5), tf.range(20000)).numpy().reshape(-1, 2, 5)
    np.testing.assert_array_equal(z.sum(axis=-1), 1)
    for group in range(2):
        assert stats.chisquare(z[:, group].sum(axis=0)).pvalue > 1e-3
    assert stats.chi2_contingency(np.einsum("ni,nj->ij", z[:, 0], z[:, 1])).pvalue > 1e-3  # independent


def model_of(**arguments):
    network = kae.networks.MLP
    parts = {"posterior": latents.RelaxedCategorical(3), "prior": latents.UniformCategorical(3), **arguments}
    return kae.models.VAE(network([8]), network([8]), latent_dim=6, **parts)


def test_log_likelihood_is_that_of_the_discrete_model():
    """The sum over all nine codes."""
    model = model_of()
    model.build((None, 5))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape, scale=0.7) for w in model.get_weights()])
    x = (rng.random((4, 5)) > 0.5).astype("float32")
    codes = np.float32([np.concatenate([np.eye(3)[i], np.eye(3)[j]]) for i, j in itertools.product(range(3), range(3))])
    every = model.likelihood(codes).log_prob(x[:, np.newaxis]).numpy().astype("float64")  # [4, 9]
    expected = special.logsumexp(every, axis=1) - np.log(9)
    estimate = kae.evaluate.log_likelihood(model, x, num_samples=5000)
    np.testing.assert_allclose(estimate, expected, atol=0.05)  # the error of 5,000 samples


def test_relaxed_codes_have_no_monte_carlo_rate():
    with pytest.raises(ValueError, match=r"density in training.* Received: posterior=RelaxedCategorical"):
        model_of(objective=kae.objectives.ELBO(kl="monte_carlo"))
    model = model_of()
    model.build((None, 5))
    with pytest.raises(NotImplementedError, match=r'ELBO\(kl="analytic"\)'):
        model.posterior(np.zeros([2, 5], "float32")).log_prob(np.zeros([2, 6], "float32"))


def test_temperature_follows_its_schedule_and_survives_the_file(tmp_path):
    cooling = keras.optimizers.schedules.PolynomialDecay(2.0, 10, end_learning_rate=0.5)
    model = model_of(posterior=latents.RelaxedCategorical(3, temperature=cooling))
    model.compile(jit_compile=True)
    x = np.random.default_rng(2).random((64, 5)).astype("float32")
    model.fit(x, batch_size=16, epochs=2, verbose=0)  # 8 steps
    assert float(model.posterior(x[:2]).temperature) == pytest.approx(2.0 - 0.8 * 1.5, abs=1e-6)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert float(again.posterior(x[:2]).temperature) == pytest.approx(0.8, abs=1e-6)
    assert again.posterior_layer.get_config()["temperature"] == model.posterior_layer.get_config()["temperature"]


@pytest.mark.parametrize("temperature", [0, -1.0, float("inf"), float("nan"), True, "hot", None, lambda step: 1.0])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match="`temperature` must be a positive number, or a schedule"):
        latents.RelaxedCategorical(temperature=temperature)


@pytest.mark.parametrize(
    "temperature, step",
    [
        (kae.schedules.LinearWarmUp(10), 0),
        (keras.optimizers.schedules.PolynomialDecay(1.0, 20, 0.0), 20),
        (keras.optimizers.schedules.PolynomialDecay(1.0, 20, 0.0, cycle=True), 20),
        (keras.optimizers.schedules.PiecewiseConstantDecay([5, 10], [1.0, 0.0, 1.0]), 6),
    ],
)
def test_a_schedule_must_not_come_to_0(temperature, step):
    name = type(temperature).__name__
    with pytest.raises(ValueError, match=f"must be > 0 at every step. Received: {name}, 0 at step {step}"):
        latents.RelaxedCategorical(temperature=temperature)
    with pytest.raises(ValueError, match="`temperature` must be > 0"):
        kae.models.JointVAE(temperature=temperature)


def test_a_temperature_may_fall_for_ever():
    falling = keras.optimizers.schedules.ExponentialDecay(1.0, 1000, 0.9)
    assert latents.RelaxedCategorical(temperature=falling).temperature is falling
