"""Estimators of the encoder's gradient of importance-weighted bounds, on a linear model whose gradients are known."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.objectives import CIWAE, IWAE, MIWAE
from keras_ae.step_context import StepContext

tfd = tfp.distributions

ESTIMATORS = ["standard", "sticking_the_landing", "doubly_reparameterized"]
BOUNDS = {
    "IWAE": lambda estimator: IWAE(8, estimator=estimator),
    "MIWAE": lambda estimator: MIWAE(2, 8, estimator=estimator),
    "CIWAE": lambda estimator: CIWAE(0.3, 8, estimator=estimator),
}
SEED = tf.constant([3, 4], tf.int32)
WEIGHTS = np.float32([[1.0, 0.5], [-0.5, 1.0], [0.3, 0.2]])  # [3, 2]: x ~ N(W z, NOISE^2), z ~ N(0, I)
NOISE = 0.7
X = np.random.default_rng(0).normal(size=3).astype("float32")
PARAMS = np.float32([0.6, -0.4, 0.2, 0.6])  # loc and raw scale of q, which is not the exact posterior


def gradients(objective, rows=5, params=PARAMS, given=WEIGHTS):
    """Terms [rows], and gradients of the loss for the parameters of q, [rows, 4], and of their sum for W [3, 2]."""
    x = tf.tile(X[np.newaxis], [rows, 1])
    params = tf.tile(params[np.newaxis], [rows, 1])
    prior = tfd.Independent(tfd.Normal(tf.zeros(2), 1.0), 1)
    with tf.GradientTape() as tape:
        weights = tf.constant(given, tf.float32)
        tape.watch([weights, params])
        posterior = latents.Inference(lambda _: tf.identity(params), latents.DiagonalNormal().distribution)

        def likelihood(z):
            return tfd.Independent(tfd.Normal(tf.einsum("kbd,xd->kbx", z, weights), NOISE), 1)

        terms = objective.call(x, posterior, prior, likelihood, StepContext(SEED))
        loss = tf.reduce_sum(terms["loss"])
    return terms, *tape.gradient(loss, [params, weights])


def codes(num, rows=5):
    """The codes that an objective draws: [num, rows, 2]."""
    return latents.DiagonalNormal().distribution(np.tile(PARAMS, [rows, 1])).sample(num, seed=SEED)


def by_hand(estimator, z):
    """The gradients for loc and raw scale [rows, 4], from the formulas of the papers, in float64."""
    z = z.numpy().astype("float64")
    loc, raw = np.split(PARAMS.astype("float64"), 2)
    weights = WEIGHTS.astype("float64")
    scale = np.log1p(np.exp(raw)) + 1e-5
    residual = X - z @ weights.T
    eps = (z - loc) / scale
    log_w = -0.5 * ((residual / NOISE) ** 2).sum(-1) - 0.5 * (z**2).sum(-1) + (0.5 * eps**2 + np.log(scale)).sum(-1)
    share = special.softmax(log_w, axis=0)[..., np.newaxis]
    by_code = residual @ weights / NOISE**2 - z + eps / scale  # d log w / d z
    factor = {"standard": share, "sticking_the_landing": share, "doubly_reparameterized": share**2}[estimator]
    by_loc, by_scale = factor * by_code, factor * by_code * eps
    if estimator == "standard":  # and - d log q / d phi
        by_loc, by_scale = by_loc - share * eps / scale, by_scale - share * (eps**2 - 1) / scale
    return -np.concatenate([by_loc.sum(axis=0), (by_scale * special.expit(raw)).sum(axis=0)], axis=-1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("num", [1, 6])
def test_gradient_of_the_encoder_equals_the_formula(estimator, num):
    found = gradients(IWAE(num, estimator=estimator))[1]
    # float32 against float64: log-weights of about 10 have errors of 1e-6, and so have the shares.
    np.testing.assert_allclose(found, by_hand(estimator, codes(num)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("estimator", ESTIMATORS[1:])
def test_loss_terms_and_gradient_of_the_decoder_are_those_of_the_standard_estimator(name, estimator):
    found, standard = (gradients(BOUNDS[name](each)) for each in (estimator, "standard"))
    for term, values in standard[0].items():
        np.testing.assert_allclose(found[0][term], values, rtol=1e-5)
    np.testing.assert_allclose(found[2], standard[2], rtol=1e-5)


@pytest.mark.parametrize("name", BOUNDS)
def test_doubly_reparameterized_gradient_has_the_same_mean_and_less_variance(name):
    rows = 40_000
    standard, landing, doubly = (gradients(BOUNDS[name](each), rows)[1].numpy() for each in ESTIMATORS)
    # Of the same noise, so that the error of the difference is that of the differences.
    errors = np.std(doubly - standard, axis=0) / np.sqrt(rows)
    np.testing.assert_array_less(np.abs(np.mean(doubly - standard, axis=0)), 4 * errors)
    assert (doubly.var(axis=0) < 0.7 * standard.var(axis=0)).all()
    # What is known to be biased is seen to be.
    errors = np.std(landing - standard, axis=0) / np.sqrt(rows)
    assert (np.abs(np.mean(landing - standard, axis=0)) > 10 * errors).any()


@pytest.mark.parametrize("estimator", ESTIMATORS[1:])
def test_with_one_sample_both_are_unbiased(estimator):
    rows = 40_000
    found, standard = (gradients(IWAE(1, estimator=each), rows)[1].numpy() for each in (estimator, "standard"))
    errors = np.std(found - standard, axis=0) / np.sqrt(rows)
    np.testing.assert_array_less(np.abs(np.mean(found - standard, axis=0)), 4 * errors)


@pytest.mark.parametrize("num", [1, 5])
def test_with_the_exact_posterior_the_landing_is_stuck(num):
    """All weights are p(x): gradients vanish, but for that of the standard estimator."""
    weights = WEIGHTS.astype("float64")
    weights[:, 1] -= weights[:, 0] * (weights[:, 0] @ weights[:, 1]) / (weights[:, 0] @ weights[:, 0])
    precision = 1 + (weights**2).sum(axis=0) / NOISE**2  # of the posterior: W'W is diagonal
    loc, scale = weights.T @ X / NOISE**2 / precision, 1 / np.sqrt(precision)
    params = np.concatenate([loc, np.log(np.expm1(scale - 1e-5))]).astype("float32")
    found = {each: gradients(IWAE(num, estimator=each), 200, params, weights)[1].numpy() for each in ESTIMATORS}
    for estimator in ESTIMATORS[1:]:
        np.testing.assert_allclose(found[estimator], 0, atol=2e-5)  # rounding of terms of up to 10
    assert (found["standard"].std(axis=0) > 0.1).all()


@pytest.mark.parametrize("estimator", first(1, reversed(ESTIMATORS)))
def test_gradient_equals_the_formula_in_graphs_and_in_loops_of_xla(estimator):
    def summed(num):
        def body(i, total):
            return i + 1, total + gradients(IWAE(6, estimator=estimator))[1]

        return tf.while_loop(lambda i, _: i < num, body, (tf.constant(0), tf.zeros([5, 4])))[1]

    for xla in (False, True):  # XLA draws other noise
        found = tf.function(summed, jit_compile=xla)(tf.constant(3))
        z = tf.function(lambda: codes(6), jit_compile=xla)()
        np.testing.assert_allclose(found / 3, by_hand(estimator, z), rtol=1e-4, atol=1e-5)


def test_gradient_may_be_taken_outside_of_the_function_that_gave_the_loss():
    params = tf.Variable(PARAMS[np.newaxis].repeat(5, axis=0))
    posterior = latents.Inference(lambda _: tf.convert_to_tensor(params), latents.DiagonalNormal().distribution)
    prior = tfd.Independent(tfd.Normal(tf.zeros(2), 1.0), 1)

    def likelihood(z):
        return tfd.Independent(tfd.Normal(tf.einsum("kbd,xd->kbx", z, WEIGHTS), NOISE), 1)

    @tf.function
    def loss():
        x = tf.tile(X[np.newaxis], [5, 1])
        objective = IWAE(6, estimator="doubly_reparameterized")
        return tf.reduce_sum(objective.call(x, posterior, prior, likelihood, StepContext(SEED))["loss"])

    with tf.GradientTape() as tape:
        value = loss()
    expected = by_hand("doubly_reparameterized", codes(6))
    np.testing.assert_allclose(tape.gradient(value, params), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("estimator", ESTIMATORS[1:])
@pytest.mark.parametrize("scale", first(1, [1e3, 1.0]))
def test_gradients_of_a_model_are_finite(estimator, scale):
    """With weights far apart too."""
    pairs = [("full_covariance_normal", "normal_mixture"), ("power_spherical", "spherical_uniform")]
    for posterior, prior in [*pairs, ("planar_flow", "standard_normal")]:
        model = kae.models.IWAE(
            kae.networks.MLP([4]),
            kae.networks.MLP([3]),
            latent_dim=3,
            posterior=posterior,
            prior=prior,
            likelihood="normal",
            num_samples=4,
            estimator=estimator,
        )
        model.build((None, 5))
        x = scale * np.random.default_rng(1).normal(size=(6, 5)).astype("float32")
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.terms(x, None, StepContext(SEED, training=True))["loss"])
        variables = model.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            assert np.isfinite(gradient).all() and np.any(gradient), variable.path


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("objective", [IWAE, MIWAE, CIWAE])
def test_relaxed_codes_are_refused_when_the_model_is_made(objective, estimator):
    relaxed = {"posterior": "relaxed_categorical", "prior": "uniform_categorical"}
    with pytest.raises(ValueError, match=r"whose codes have a density in training.* posterior=RelaxedCategorical"):
        kae.models.VAE(latent_dim=10, objective=objective(estimator=estimator), **relaxed)


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match=r"`estimator` must be .standard., .*Received: estimator='dreg'"):
        IWAE(estimator="dreg")
