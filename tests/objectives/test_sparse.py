import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

import keras_ae as kae
from keras_ae.objectives import Sparse
from keras_ae.step_context import StepContext

RNG = np.random.default_rng(0)
CODES = RNG.uniform(0.01, 0.9, size=(9, 4)).astype("float32")


def divergence(mean, target):
    return np.sum(special.rel_entr(target, mean) + special.rel_entr(1 - target, 1 - mean))


@pytest.mark.parametrize("target", [0.05, 0.5])
def test_divergence_equals_scipy(target):
    expected = divergence(CODES.mean(axis=0, dtype="float64"), target)
    values = Sparse(target=target).sparsity(tf.constant(CODES))
    np.testing.assert_allclose(values, np.full(9, expected), rtol=1e-5)


def test_divergence_counts_rows_by_their_weights():
    weight = RNG.uniform(0.5, 2.0, size=9).astype("float32")
    weight[6:] = 0.0
    expected = divergence(np.average(CODES, axis=0, weights=weight), 0.1)
    values = Sparse(target=0.1).sparsity(tf.constant(CODES), tf.constant(weight))
    np.testing.assert_allclose(values, np.full(9, expected), rtol=1e-5)


def test_divergence_is_least_at_the_target():
    def at(mean):
        return float(Sparse(target=0.2).sparsity(tf.fill([5, 3], mean))[0])

    assert at(0.2) == pytest.approx(0.0, abs=1e-6)
    assert at(0.19) > 1e-4 and at(0.21) > 1e-4


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_divergence_of_dead_codes_is_finite_and_so_is_its_gradient(value):
    z = tf.Variable(tf.fill([5, 3], value))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(Sparse().sparsity(z.value(), tf.constant([1.0, 1.0, 0.0, 0.0, 0.0])))
    assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, z)).all()


def test_l1_is_the_sum_of_magnitudes_of_each_example():
    z = (CODES - 0.5) * 7
    np.testing.assert_allclose(Sparse("l1").sparsity(tf.constant(z)), np.abs(z).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("penalty", ["kl", "l1"])
def test_loss_is_distortion_and_weighted_sparsity(penalty):
    model = kae.models.SparseAE(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=3, penalty=penalty)
    x = RNG.random((7, 6)).astype("float32")
    model.build((None, 6))
    terms = model.terms(x, None, StepContext(tf.constant([1, 2]), training=True, weight=tf.ones([7])))
    weight = 3.0 if penalty == "kl" else 0.1
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + weight * terms["sparsity"], rtol=1e-6)
    np.testing.assert_allclose(terms["sparsity"], Sparse(penalty).sparsity(model.encode(x)), rtol=1e-5)
    np.testing.assert_allclose(terms["reconstruction"], -model.likelihood(model.encode(x)).log_prob(x), rtol=1e-5)


def test_training_brings_the_mean_activation_to_the_target():
    x = (RNG.random((256, 8)) > 0.5).astype("float32")
    network = kae.networks.MLP
    model = kae.models.SparseAE(network([16]), network([16]), latent_dim=6, sparsity_weight=50.0, target=0.1)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    model.fit(x, epochs=30, batch_size=32, verbose=0)
    means = np.mean(model.encode(x), axis=0)
    np.testing.assert_allclose(means, 0.1, atol=0.03)  # 0.5 at the start; batches of 32 tell the mean to 0.02
    assert np.std(model.encode(x)) > 0.05  # and not by being constant


def test_codes_that_are_no_activations_are_refused():
    with pytest.raises(ValueError, match=r"`objective` Sparse needs codes that are numbers in \(0, 1\). Received"):
        kae.Autoencoder(posterior="deterministic", prior=None, objective="sparse")
    kae.Autoencoder(posterior="deterministic", prior=None, objective=Sparse("l1"))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"penalty": "l2"}, '`penalty` must be "kl" or "l1". Received: penalty=\'l2\''),
        ({"sparsity_weight": -1.0}, "`sparsity_weight` must be a finite number >= 0, or a schedule"),
        ({"target": 0.0}, r"`target` must be in \(0, 1\). Received: target=0.0"),
        ({"target": 1.0}, r"`target` must be in \(0, 1\)"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Sparse(**arguments)
