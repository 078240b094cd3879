import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

import keras_ae as kae
from keras_ae.objectives import Reconstruction, Regularized
from keras_ae.step_context import StepContext

tfd = tfp.distributions
SEED = tf.constant([3, 4], tf.int32)
RNG = np.random.default_rng(0)
X = RNG.random((5, 6)).astype("float32")
CODES = RNG.normal(size=(5, 3)).astype("float32")
WEIGHT, BIAS = RNG.normal(size=(3, 6)).astype("float32"), RNG.normal(size=6).astype("float32")


def terms_of(objective, codes=CODES, x=X):
    def likelihood(z):  # [1, B, 3]
        logits = tf.linalg.matmul(z, tf.constant(WEIGHT)[tf.newaxis]) + BIAS
        return tfd.Independent(tfd.Bernoulli(logits=logits, dtype=tf.float32), 1)

    return objective.call(tf.constant(x), lambda x: tfd.VectorDeterministic(codes), None, likelihood, StepContext(SEED))


def test_gradient_norm_is_unbiased_for_its_closed_form():
    """|d sigmoid(W z + b) / dz|_F^2 = sum_i (m_i (1 - m_i))^2 sum_j W_ji^2, not the gradient of the sum of m."""
    num = 4000
    objective = Regularized("gradient", beta=0.3, decoder_weight=0.7)
    terms = terms_of(objective, codes=np.tile(CODES, [num, 1]), x=np.tile(X, [num, 1]))
    m = special.expit(CODES.astype("float64") @ WEIGHT + BIAS)
    jacobian = (m * (1 - m))[:, :, np.newaxis] * WEIGHT.T  # [B, 6, 3]
    products = jacobian @ jacobian.transpose(0, 2, 1)
    exact = np.sum(jacobian**2, axis=(1, 2))
    variance = 2 * (np.sum(products**2, axis=(1, 2)) - np.sum(np.diagonal(products, axis1=1, axis2=2) ** 2, axis=1))
    mean = terms["gradient_norm"].numpy().reshape(num, 5).mean(axis=0)
    assert (np.abs(mean - exact) < 4 * np.sqrt(variance / num)).all()
    assert (np.abs(np.sum(jacobian.sum(axis=1) ** 2, axis=1) - exact) > 10 * np.sqrt(variance / num)).all()
    code_norm = np.tile(0.5 * np.sum(CODES**2, axis=1), num)
    np.testing.assert_allclose(terms["code_norm"], code_norm, rtol=1e-6)
    expected = terms["reconstruction"] + 0.3 * code_norm + 0.7 * terms["gradient_norm"]
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-6)


def test_gradient_norm_reaches_the_codes():
    codes = tf.Variable(CODES)
    with tf.GradientTape() as tape:
        norm = tf.reduce_sum(terms_of(Regularized("gradient"), codes=codes.value())["gradient_norm"])
    assert np.abs(tape.gradient(norm, codes)).min() > 0


def test_without_weights_it_is_reconstruction():
    expected = terms_of(Reconstruction())
    for terms in (
        terms_of(Regularized(None, beta=0.0)),
        terms_of(Regularized("gradient", beta=0.0, decoder_weight=0.0)),
    ):
        np.testing.assert_allclose(terms["loss"], expected["loss"], rtol=1e-6)
        np.testing.assert_allclose(terms["reconstruction"], expected["reconstruction"], rtol=1e-6)


def own_decoder():
    return keras.Sequential([keras.layers.Dense(7, "relu"), keras.layers.LayerNormalization(), keras.layers.Dense(5)])


def test_weight_norm_is_of_the_kernels_of_any_decoder_and_of_the_likelihood():
    model = kae.models.RegularizedAE(kae.networks.MLP([4]), own_decoder(), latent_dim=3, likelihood="normal")
    model.build((None, 6))
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    with tf.GradientTape() as tape:
        terms = model.terms(X, None, StepContext(SEED, training=True))
        loss = tf.reduce_mean(0.01 * terms["weight_norm"])
    kernels = [model.decoder.layers[0].kernel, model.decoder.layers[2].kernel, model.likelihood_layer.dense.kernel]
    expected = sum(np.sum(kernel.numpy().astype("float64") ** 2) for kernel in kernels)
    np.testing.assert_allclose(terms["weight_norm"], np.full(5, expected), rtol=1e-5)
    expected = terms["reconstruction"] + 0.1 * terms["code_norm"] + 0.01 * terms["weight_norm"]
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-6)
    for kernel, gradient in zip(kernels, tape.gradient(loss, [k.value for k in kernels]), strict=True):
        np.testing.assert_allclose(gradient, 0.02 * kernel.numpy(), rtol=1e-5)


def test_weights_of_a_decoder_are_needed_for_their_norm():
    with pytest.raises(ValueError, match="make it part of a model"):
        terms_of(Regularized("l2"))
    objective = Regularized("l2")
    for number in range(2):
        model = kae.Autoencoder(latent_dim=2, posterior="deterministic", prior=None, objective=objective)
        if number:
            with pytest.raises(ValueError, match="must not be shared by two models"):
                model.build((None, 6))
        else:
            model.build((None, 6))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"regularizer": "l1"}, '`regularizer` must be "l2", "gradient" or None. Received: regularizer=\'l1\''),
        ({"beta": -1.0}, "`beta` must be a finite number >= 0, or a schedule. Received: beta=-1.0"),
        ({"decoder_weight": -1.0}, "`decoder_weight` must be a finite number >= 0, or a schedule"),
        ({"num_projections": None}, "`num_projections` must be a positive integer"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Regularized(**arguments)
