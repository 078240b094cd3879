"""Importance-weighted log-likelihood, against the exact evidence of a linear-Gaussian model."""

import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae import random
from keras_ae.evaluate import METRICS, Subject, likelihood
from keras_ae.evaluate.likelihood.draws import draws_per_step


@pytest.fixture(scope="module")
def sampled(linear):
    return likelihood.importance_sampling(linear.model, linear.x, num_samples=4000, batch_size=10)


@pytest.fixture(scope="module")
def thirty(linear):
    return kae.evaluate.log_likelihood(linear.model, linear.x, num_samples=30)


def test_estimate_approaches_the_exact_evidence(linear, sampled):
    # The weights deviate by about their mean: an error of 1 / sqrt(4,000) = 0.016 nats, and 25 examples.
    np.testing.assert_allclose(sampled.log_likelihood, linear.evidence, atol=0.1)
    assert abs(np.mean(sampled.log_likelihood - linear.evidence)) < 0.02


def test_standard_error_is_the_spread_of_the_estimates(linear, sampled):
    """The errors, each divided by its standard error, have a mean square of about 1."""
    scaled = (sampled.log_likelihood - linear.evidence - sampled.bias) / sampled.standard_error
    # 25 squares of normal variables average to 1 with a deviation of sqrt(2 / 25) = .28.
    assert 0.3 < np.mean(scaled**2) < 1.9
    assert (sampled.bias < 0).all() and (sampled.bias > -0.01).all()


def test_bound_grows_with_the_number_of_samples_from_the_elbo_to_the_evidence(linear, sampled):
    assert sampled.sizes.tolist() == [*(2**i for i in range(12)), 4000]
    bounds = sampled.bounds.mean(axis=1)
    # Many groups of few samples are averaged: up to 256, the bounds grow by more than their error.
    assert (np.diff(bounds[:9]) > 0).all()
    np.testing.assert_array_equal(sampled.bounds[-1], sampled.log_likelihood)
    # 4,000 draws of each of 25 examples, whose log-weights deviate by about 2.
    np.testing.assert_allclose(bounds[0], -np.mean(linear.kl + linear.reconstruction), atol=0.04)


def test_effective_sample_size_and_bounds_are_those_of_the_weights(linear):
    """Of all group sizes, within a step of the loop and beyond it, from weights that the parts of the model give."""
    x, num = linear.x[:3], 70
    assert draws_per_step(linear.model, 3, num) < num
    weights = np.exp(log_weights(linear.model, x, num))  # [70, 3]
    found = likelihood.importance_sampling(linear.model, x, num_samples=num)
    # Sums in float32 in another order.
    np.testing.assert_allclose(found.log_likelihood, np.log(weights.mean(axis=0)), atol=2e-5)
    size = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)
    np.testing.assert_allclose(found.effective_sample_size, size, rtol=1e-4)
    for size, bound in zip(found.sizes, found.bounds, strict=True):
        groups = weights[: num // size * size].reshape(-1, size, 3)
        np.testing.assert_allclose(bound, np.log(groups.mean(axis=1)).mean(axis=0), atol=2e-5)


def log_weights(model, x, num):
    """log w [K, B] of K draws of each example, from the parts of the model."""
    rows, numbers = np.tile(np.arange(len(x)), num), np.repeat(np.arange(num), len(x))
    x = tf.constant(x[rows])
    params = model.posterior_params(x)
    z = model.posterior_layer.draw(params, random.fork(tf.zeros_like(rows), tf.constant(numbers)), tf.constant(rows))
    q, p = model.posterior_layer.exact(params), model.prior_layer.distribution()
    found = model.likelihood(z).log_prob(x) + p.log_prob(z) - q.log_prob(z)
    return found.numpy().astype("float64").reshape(num, -1)


def test_value_depends_on_row_and_seed_and_not_on_batches_chunks_or_streams(linear, thirty):
    model, x = linear.model, linear.x
    stream = tf.data.Dataset.from_tensor_slices(x).batch(4)
    for given, size in ((x, 7), (stream, 11)):
        found = kae.evaluate.log_likelihood(model, given, num_samples=30, batch_size=size)
        # Rounding alone: sums in float32 in another order.
        np.testing.assert_allclose(found, thirty, atol=2e-5)
    copies = kae.evaluate.log_likelihood(model, np.tile(x[:1], [6, 1]), num_samples=30, seed=1)
    assert len({*copies, thirty[0]}) == 7


@pytest.mark.xla
def test_xla_compiles_the_same(linear):
    compiled = kae.evaluate.log_likelihood(linear.model, linear.x, num_samples=300)
    error = compiled - linear.evidence
    assert np.abs(error).max() < 0.3 and abs(error.mean()) < 0.06  # 1 / sqrt(300), and a fifth of it


def test_step_is_a_power_of_two_that_wastes_little(linear):
    for num_samples in (1, 2, 3, 10, 50, 70, 500, 5000):
        size = draws_per_step(linear.model, 100, num_samples)
        assert size & (size - 1) == 0 and size * 100 <= 6400
        assert -(-num_samples // size) * size <= num_samples * 17 / 16


def test_single_sample_is_a_draw_of_the_elbo_without_a_standard_error(linear):
    found = likelihood.importance_sampling(linear.model, linear.x[:1], num_samples=1)
    assert found.effective_sample_size == 1.0 and found.standard_error == 0.0 and found.sizes.tolist() == [1]


def test_condition_is_used(conditional):
    x = np.random.default_rng(0).random((6, 5)).astype("float32")
    values = [kae.evaluate.log_likelihood(conditional, x, np.full(6, label), num_samples=5) for label in (0, 1)]
    assert np.abs(values[0] - values[1]).min() > 1e-3


def test_model_without_a_density_has_no_likelihood():
    with pytest.raises(ValueError, match="AE has no likelihood"):
        kae.evaluate.log_likelihood(kae.models.AE(), np.zeros([3, 4]))
    prior = kae.latents.AutoregressivePrior(4, hidden=[4])
    with pytest.raises(ValueError, match=r"its posterior is a single code\. Its bound on log p"):
        kae.evaluate.log_likelihood(kae.models.VQVAE(prior=prior), np.zeros([3, 4]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_samples": 0}, "`num_samples` must be a positive integer"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
        ({"seed": -1}, "`seed` must be an integer"),
        ({"x": np.zeros([3, 5])}, "`x` must have shape"),
        ({"x": np.full([3, 4], np.nan)}, "`x` must be finite"),
        ({"x": np.zeros([0, 4])}, "`x` must have at least one example"),
    ],
)
def test_bad_arguments_are_refused(linear, options, message):
    with pytest.raises(ValueError, match=message):
        kae.evaluate.log_likelihood(linear.model, **{"x": linear.x, **options})


def test_weights_that_are_not_finite_are_no_silent_nan():
    model = kae.models.VAE(kae.networks.MLP([3]), kae.networks.MLP([3]), latent_dim=2)
    model.build((None, 4))
    model.set_weights([np.full(w.shape, np.nan) for w in model.get_weights()])
    with pytest.raises(ValueError, match=r"must give a finite log p\(x\) .* Received: nan at row 0, 3 of 3 examples"):
        kae.evaluate.log_likelihood(model, np.zeros([3, 4]), num_samples=2)


def test_metric_has_its_diagnostics(linear, thirty):
    subject = Subject(linear.model, linear.x, batch_size=10)
    total, size = METRICS["log_likelihood"].measure(subject, num_samples=30)
    np.testing.assert_allclose(total.value, thirty.mean(), atol=1e-5)
    np.testing.assert_allclose(total.standard_error, thirty.std(ddof=1) / 5, rtol=1e-4)
    assert total.details["num_samples"] == [1, 2, 4, 8, 16, 30] and total.details["bound"][-1] == total.value
    assert total.unit == "nats" and "30 importance samples per example, 25 examples" in total.protocol
    assert 1 < size.value < 30 and size.name == "effective_sample_size"
