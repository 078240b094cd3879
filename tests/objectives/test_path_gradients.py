"""Estimators that take gradients through the codes alone, for posteriors whose densities hold weights or an inverse."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from differences import jacobians
from scipy import special
from tiers import first

from keras_ae import latents
from keras_ae.latents import InverseAutoregressiveFlow, MixedPosterior, PlanarFlow
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.objectives import IWAE
from keras_ae.step_context import StepContext

tfd = tfp.distributions

POSTERIORS = {
    "iaf": lambda: InverseAutoregressiveFlow(steps=2, hidden=(8,), context_size=3),
    "planar": lambda: PlanarFlow(steps=2),
    "iaf of full covariance": lambda: InverseAutoregressiveFlow("full_covariance_normal", steps=2, hidden=(8,)),
    "planar of full covariance": lambda: PlanarFlow("full_covariance_normal", steps=2),
    "planar of iaf": lambda: PlanarFlow(InverseAutoregressiveFlow(steps=1, hidden=(8,)), steps=1),
    "mixed": lambda: MixedPosterior([PlanarFlow(steps=1), InverseAutoregressiveFlow(steps=1, hidden=(6,))], [1, 2]),
    "top_down_normal": lambda: latents.TopDownNormal(hidden=6),
    "ladder_normal": lambda: latents.LadderNormal(hidden=6),
    "power_spherical": latents.PowerSpherical,
}
PATHS = ["sticking_the_landing", "doubly_reparameterized"]
ZERO = tf.UnconnectedGradients.ZERO
SEED = tf.constant([3, 4], tf.int32)
WEIGHTS = np.float32([[1.0, 0.5, -0.3], [-0.5, 1.0, 0.4], [0.3, 0.2, 0.8], [0.1, -0.6, 0.5]])  # x ~ N(W z, NOISE^2)
NOISE = 0.7
X = np.random.default_rng(0).normal(size=4).astype("float32")
PRIOR = tfd.Independent(tfd.Normal(tf.zeros(3), 1.0), 1)


def made(name, rows=5):
    """A posterior with weights at random, features for `rows` distributions, and the variables that q depends on."""
    keras.utils.set_random_seed(1)
    layer, prior = POSTERIORS[name](), latents.HierarchicalNormal([2, 1], hidden=[5])
    shares = isinstance(layer, HierarchicalPosterior)
    if shares:
        prior.build((None, 3))
        layer.bind(prior)
    layer.set_latent_dim(3)
    layer.build((None, 6))
    rng = np.random.default_rng(1)
    variables = layer.trainable_variables + (prior.trainable_variables if shares else [])
    for variable in variables:
        variable.assign(rng.normal(size=variable.shape, scale=0.3))
    return layer, tf.constant(rng.normal(size=(rows, 6)), tf.float32), [variable.value for variable in variables]


def normal(z):
    return tfd.Independent(tfd.Normal(tf.einsum("kbd,xd->kbx", z, WEIGHTS), NOISE), 1)


def gradients(objective, made, seed=SEED, likelihood=normal):
    """The terms [rows], and gradients of the loss for the parameters [rows, P] and for the variables of q."""
    layer, features, variables = made
    with tf.GradientTape() as tape:
        params = layer(features)
        posterior = latents.Inference(lambda _: params, layer.distribution)
        terms = objective.call(
            tf.tile(X[np.newaxis], [len(features), 1]), posterior, PRIOR, likelihood, StepContext(seed)
        )
        loss = tf.reduce_sum(terms["loss"])
    return terms, tape.gradient(loss, [params, *variables], unconnected_gradients=ZERO)


def path(made, num, slopes):
    """The codes that an objective draws [num, rows, 3], their densities, and gradients of sum(slopes * codes)."""
    layer, features, variables = made
    with tf.GradientTape() as tape:
        params = layer(features)
        z, log_prob = layer.distribution(params).experimental_sample_and_log_prob(num, seed=SEED)
    given = tape.gradient(z, [params, *variables], output_gradients=slopes, unconnected_gradients=ZERO)
    return z, log_prob, given


def density_slopes(made, z):
    """d log q(z) / d z by differences of the density of given codes, in which no parameter moves."""
    q = made[0].distribution(made[0](made[1]))
    found = jacobians(lambda z: tf.reshape(q.log_prob(tf.reshape(z, [-1, 5, 3])), [-1]), z.reshape(-1, 3))
    return found.reshape(z.shape)


def by_hand(made, num, estimator, path=path):
    """The gradients for parameters and variables, from the formulas of the papers and slopes from differences."""
    zeros = tf.zeros([num, len(made[1]), 3])
    z, log_prob = (np.asarray(values, "float64") for values in path(made, num, zeros)[:2])
    residual = X - z @ WEIGHTS.T
    log_weights = -0.5 * (residual**2).sum(-1) / NOISE**2 - 0.5 * (z**2).sum(-1) - log_prob
    share = special.softmax(log_weights, axis=0)[..., np.newaxis]
    slopes = residual @ WEIGHTS / NOISE**2 - z - density_slopes(made, z)
    factor = share if estimator == "sticking_the_landing" else share**2
    return path(made, num, tf.constant(-factor * slopes, tf.float32))[2]


PAIRS = [(name, estimator) for name in POSTERIORS for estimator in PATHS]


@pytest.mark.parametrize("name, estimator", first(2, PAIRS))
def test_gradient_equals_that_of_the_codes_by_slopes_from_differences(name, estimator):
    parts = made(name)
    found = gradients(IWAE(4, estimator=estimator), parts)[1]
    for values, expected in zip(found, by_hand(parts, 4, estimator), strict=True):
        # Differences of float32 densities near 10 carry 1e-3 in each slope, and there are twenty codes.
        np.testing.assert_allclose(values, expected, rtol=5e-3, atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name, estimator", PAIRS)
def test_gradient_is_the_same_in_a_loop_compiled_by_xla(name, estimator):
    compiled = functools.partial(tf.function, jit_compile=True, autograph=False)
    parts = made(name)

    @compiled
    def summed():
        def body(i, total):
            found = gradients(IWAE(4, estimator=estimator), parts)[1]
            return i + 1, [before + values for before, values in zip(total, found, strict=True)]

        start = [tf.zeros_like(values) for values in [parts[0](parts[1]), *parts[2]]]
        return tf.while_loop(lambda i, _: i < 3, body, (tf.constant(0), start))[1]

    path_of = compiled(lambda slopes: path(parts, 4, slopes))  # XLA draws other noise
    expected = by_hand(parts, 4, estimator, lambda made, num, slopes: path_of(slopes))
    for values, wanted in zip(summed(), expected, strict=True):
        np.testing.assert_allclose(values / 3, wanted, rtol=5e-3, atol=1e-2)


@pytest.mark.parametrize("name", first(1, POSTERIORS))
@pytest.mark.parametrize("num", [1, 5])
def test_with_the_exact_posterior_every_gradient_vanishes(name, num):
    """The likelihood is made to fit: p(x|z) p(z) is q(z|x) of another posterior with the same weights."""
    parts, (twin, features, _) = made(name), made(name)
    q = twin.distribution(twin(features))

    class Fitted:
        def __init__(self, z):
            self.z = z

        def log_prob(self, x):
            return q.log_prob(self.z) - PRIOR.log_prob(self.z)

    found = {
        estimator: gradients(IWAE(num, estimator=estimator), parts, likelihood=Fitted)[1]
        for estimator in ["standard", *PATHS]
    }
    for estimator in PATHS:
        for values in found[estimator]:
            np.testing.assert_allclose(values, 0, atol=1e-4)  # rounding of terms of up to 10
    moved = [np.abs(values).max() for values in found["standard"]]
    assert np.median(moved) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", POSTERIORS)
def test_gradients_have_the_mean_of_the_standard_ones(name):
    """Over 40 groups of 250 samples of each of 5 distributions; the noise is the same for all estimators."""
    num, (layer, features, variables) = 40, made(name)
    parts = layer, tf.repeat(features, 250, axis=0), variables

    @functools.partial(tf.function, autograph=False)
    def totals(seed, objective, standard):
        def total(objective):
            by_row, *rest = gradients(objective, parts, seed)[1]
            by_row = tf.reduce_sum(tf.reshape(by_row, [5, 250, -1]), axis=1)
            return tf.concat([tf.reshape(values, [-1]) for values in [by_row, *rest]], axis=0)

        return total(objective) - total(standard)

    def statistics(estimator, samples):
        pair = IWAE(samples, estimator=estimator), IWAE(samples)
        values = np.stack([totals(tf.constant([1, group]), *pair) for group in range(num)]).astype("float64")
        values = values[:, values.std(axis=0) > 0]
        return np.abs(values.mean(axis=0)) / (values.std(axis=0, ddof=1) / np.sqrt(num))

    # A t-statistic with 39 degrees of freedom is beyond 6 once in a million; there are up to 300.
    assert statistics("doubly_reparameterized", 4).max() < 6
    assert statistics("sticking_the_landing", 1).max() < 6
    assert statistics("sticking_the_landing", 4).max() > 6  # what is known to be biased is seen to be
