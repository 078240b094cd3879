"""Densities of mixtures of normals against TFP's."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.latents.distributions.normals import NormalMixtureDensity, mixture, normals

tfd = tfp.distributions
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=7).astype("float32")
LOC = RNG.normal(size=(7, 3)).astype("float32")
SCALE = np.exp(RNG.normal(-1.0, 1.0, size=(7, 3))).astype("float32")


def values_and_gradients(make, z):
    variables = [tf.constant(each) for each in (LOGITS, LOC, SCALE, z)]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        log_prob = make(*variables[:3]).log_prob(variables[3])
    return log_prob.numpy(), [each.numpy() for each in tape.gradient(log_prob, variables)]


def reference(logits, loc, scale):
    return tfd.MixtureSameFamily(tfd.Categorical(logits=logits), tfd.MultivariateNormalDiag(loc, scale))


@pytest.mark.parametrize("shape", [(), (5,), (2, 5)])
def test_the_density_of_a_mixture_and_its_gradients_equal_those_of_tfp(shape):
    z = RNG.normal(size=(*shape, 3)).astype("float32")
    found, gradients = values_and_gradients(lambda logits, *parts: mixture(logits, normals(*parts)), z)
    expected, expected_gradients = values_and_gradients(reference, z)
    assert found.shape == shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-4, atol=1e-4)


def test_narrow_components_far_from_the_origin_keep_their_density():
    """As differences, not as differences of squares, which would cancel."""
    loc, scale = np.full([2, 3], 50.0, np.float32), np.full([2, 3], 1e-3, np.float32)
    z = loc[0] + 2 * scale[0]
    found = mixture(tf.zeros(2), normals(loc, scale)).log_prob(z)
    exact = np.sum(-0.5 * ((z - loc[0]) / scale[0]) ** 2 - np.log(scale[0]) - 0.5 * np.log(2 * np.pi))
    np.testing.assert_allclose(found, exact, rtol=1e-4)


def test_a_scale_for_all_components_is_broadcast():
    found = mixture(LOGITS, normals(LOC, 0.5)).log_prob(LOC[0])
    np.testing.assert_allclose(found, reference(LOGITS, LOC, np.full_like(LOC, 0.5)).log_prob(LOC[0]), rtol=1e-5)


def test_other_components_have_the_density_of_tfp():
    assert type(mixture(LOGITS, normals(LOC, SCALE))) is NormalMixtureDensity
    assert type(mixture(LOGITS, tfd.Independent(tfd.Laplace(LOC, SCALE), 1))) is tfd.MixtureSameFamily
