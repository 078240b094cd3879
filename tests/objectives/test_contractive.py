import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

import keras_ae as kae
from keras_ae.objectives import Contractive, Reconstruction
from keras_ae.objectives.estimators.jacobians import squared_jacobian
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 2, 3, 1)).astype("float32")
WEIGHT, BIAS = RNG.normal(size=(6, 4)).astype("float32"), RNG.normal(size=4).astype("float32")


def sigmoid_layer(x, weight=WEIGHT):
    return tf.sigmoid(tf.linalg.matmul(tf.reshape(x, [-1, 6]), weight) + BIAS)


def jacobians(weight=WEIGHT):
    """d sigmoid(W x + b) / dx in closed form: [B, 4, 6]."""
    h = special.expit(X.reshape(5, 6).astype("float64") @ weight + BIAS)
    return (h * (1 - h))[:, :, np.newaxis] * weight.T


def terms_of(objective, posterior=lambda x: tfd.VectorDeterministic(sigmoid_layer(x)), x=X):
    def likelihood(z):
        loc = tf.repeat(tf.reduce_sum(z, axis=-1, keepdims=True), 6, axis=-1)
        return tfd.Independent(tfd.Normal(tf.reshape(loc, [1, -1, 2, 3, 1]), 1.0), 3)

    return objective.call(tf.constant(x), posterior, None, likelihood, StepContext(SEED))


def test_exact_norm_equals_its_closed_form():
    """Rifai 2011, equation 7, for one layer with sigmoid: sum_j (h_j (1 - h_j))^2 sum_i W_ij^2."""
    terms = terms_of(Contractive(0.7, num_projections=None))
    expected = np.sum(jacobians() ** 2, axis=(1, 2))
    np.testing.assert_allclose(terms["contraction"], expected, rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + 0.7 * terms["contraction"], rtol=1e-6)
    np.testing.assert_allclose(terms["reconstruction"], terms_of(Reconstruction())["reconstruction"], rtol=1e-6)


def test_projections_are_unbiased_and_have_the_variance_of_random_signs():
    num = 4000
    rows = tf.constant(np.tile(X, [num, 1, 1, 1]))
    estimates = squared_jacobian(sigmoid_layer, rows, seed=SEED, num_projections=1).numpy().reshape(num, 5)
    products = jacobians() @ jacobians().transpose(0, 2, 1)  # [B, 4, 4]
    exact = np.trace(products, axis1=1, axis2=2)
    variance = 2 * (np.sum(products**2, axis=(1, 2)) - np.sum(np.diagonal(products, axis1=1, axis2=2) ** 2, axis=1))
    assert (np.abs(np.mean(estimates, axis=0) - exact) < 4 * np.sqrt(variance / num)).all()
    np.testing.assert_allclose(np.var(estimates, axis=0), variance, rtol=0.15)  # 4,000 estimates: 0.03 each


def test_several_projections_are_a_mean():
    def estimate(num):
        return squared_jacobian(sigmoid_layer, tf.constant(X), seed=SEED, num_projections=num)

    exact = np.sum(jacobians() ** 2, axis=(1, 2))
    products = jacobians() @ jacobians().transpose(0, 2, 1)
    assert (np.abs(estimate(200) - exact) < 4 * np.sqrt(2 * np.sum(products**2, axis=(1, 2)) / 200)).all()


def test_code_of_one_value_needs_no_luck():
    weight = WEIGHT[:, :1]
    values = squared_jacobian(
        lambda x: tf.linalg.matmul(tf.reshape(x, [-1, 6]), weight), tf.constant(X), seed=SEED, num_projections=1
    )
    np.testing.assert_allclose(values, np.full(5, np.sum(weight**2)), rtol=1e-5)


@pytest.mark.parametrize("num_projections", [None, 3])
def test_gradient_is_that_of_the_norm(num_projections):
    weight = tf.Variable(WEIGHT)

    def norm():
        values = squared_jacobian(
            lambda x: sigmoid_layer(x, weight), tf.constant(X), seed=SEED, num_projections=num_projections
        )
        return tf.reduce_sum(values)

    with tf.GradientTape() as tape:
        value = norm()
    slope = np.sum(tape.gradient(value, weight) * np.ones_like(WEIGHT))
    step = 3e-3
    values = []
    for sign in (1, -1):
        weight.assign(WEIGHT + sign * step)
        values.append(float(norm()))
    # float32 values near 10, over 0.006: 2e-4; the third derivative times the step squared is as small.
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=3e-3, abs=3e-3)


def test_encoder_runs_once_a_step():
    calls = []

    def params(x):
        calls.append(x)
        return sigmoid_layer(x)

    posterior = kae.latents.Inference(params, tfd.VectorDeterministic)
    terms_of(Contractive(), posterior)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"contraction_weight": -1.0}, "`contraction_weight` must be a finite number >= 0, or a schedule"),
        ({"num_projections": 0}, "`num_projections` must be a positive integer. Received: num_projections=0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Contractive(**arguments)
