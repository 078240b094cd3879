"""Codes on a sphere."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import integrate, stats
from tiers import checkered

import keras_ae as kae
from keras_ae import latents
from keras_ae.step_context import StepContext


def posterior(dim):
    layer = latents.PowerSpherical()
    layer.set_latent_dim(dim)
    layer.build((None, 4))
    return layer


def params_of(concentration, dim, rows=1, seed=0):
    """Parameters of random directions with a given concentration."""
    direction = np.random.default_rng(seed).normal(size=(rows, dim))
    raw = np.full([rows, 1], np.log(np.expm1(concentration - 1e-3)))
    return tf.constant(np.concatenate([direction, raw], axis=1), tf.float32)


@pytest.mark.parametrize("concentration", [0.1, 2.0, 30.0])
def test_density_integrates_to_one_on_the_circle(concentration):
    angle = np.linspace(0, 2 * np.pi, 4001)
    z = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, np.newaxis].astype("float32")
    q = posterior(2).distribution(params_of(concentration, 2))
    density = np.exp(q.log_prob(z).numpy()[:, 0].astype("float64"))
    assert integrate.simpson(density, x=angle) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("concentration", [0.1, 2.0, 30.0])
def test_density_integrates_to_one_on_the_sphere(concentration):
    polar, azimuth = np.linspace(0, np.pi, 401), np.linspace(0, 2 * np.pi, 801)
    a, b = np.meshgrid(polar, azimuth, indexing="ij")
    z = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], axis=-1).reshape(-1, 1, 3)
    q = posterior(3).distribution(params_of(concentration, 3))
    density = np.exp(q.log_prob(z.astype("float32")).numpy().astype("float64")).reshape(a.shape) * np.sin(a)
    assert integrate.simpson(integrate.simpson(density, x=azimuth), x=polar) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("dim", "jit_compile"), checkered([2, 3, 4, 9], [True, False]))
def test_samples_are_on_the_sphere_and_follow_the_density(dim, jit_compile):
    concentration = 4.0
    params = params_of(concentration, dim, rows=2)
    layer = posterior(dim)
    draw = tf.function(lambda: layer.distribution(params).sample(5000, seed=[1, 2]), jit_compile=jit_compile)
    z = draw().numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1, atol=1e-6)
    np.testing.assert_array_equal(z, draw())
    along = (z * layer.mean(params).numpy()).sum(axis=-1)
    half = (dim - 1) / 2
    for row in range(2):  # (1 + along) / 2 is a beta variable
        assert stats.kstest((1 + along[:, row]) / 2, stats.beta(half + concentration, half).cdf).pvalue > 1e-3
    across = z - along[..., np.newaxis] * layer.mean(params).numpy()
    assert np.abs(across.mean(axis=0)).max() < 4 / np.sqrt(5000)


@pytest.mark.parametrize("dim", [2, 3, 8])
@pytest.mark.parametrize("concentration", [0.2, 3.0, 50.0])
def test_kl_to_the_uniform_prior_equals_the_integral(dim, concentration):
    """Over t = direction'z, whose density goes with (1 + t)^(concentration + half - 1) (1 - t)^(half - 1)."""
    half = (dim - 1) / 2
    beta = stats.beta(half + concentration, half)
    uniform = stats.beta(half, half)

    def integrand(b):
        return beta.pdf(b) * (beta.logpdf(b) - uniform.logpdf(b))

    expected = integrate.quad(integrand, 0, 1, limit=200, points=[0.5, 0.99])[0]
    prior = latents.SphericalUniform()
    prior.build((None, dim))
    q = posterior(dim).distribution(params_of(concentration, dim))
    kl = tfp.distributions.kl_divergence(q, prior.distribution())
    assert float(kl[0]) == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("dim", [2, 3, 6])
def test_gradient_of_the_concentration_is_that_of_the_expectation(dim):
    """E[direction'z] = c / (D - 1 + c)."""
    concentration = 2.0
    direction = tf.one_hot([0], dim)
    c = tf.constant([concentration])
    with tf.GradientTape() as tape:
        tape.watch(c)
        q = latents.posteriors.power_spherical.SphericalPower(direction, c)
        mean = tf.reduce_mean(q.sample(50000, seed=[3, 4])[..., 0])
    expected = (dim - 1) / (dim - 1 + concentration) ** 2
    assert float(mean) == pytest.approx(concentration / (dim - 1 + concentration), abs=0.01)
    assert float(tape.gradient(mean, c)[0]) == pytest.approx(expected, rel=0.03)  # the error of 50,000 samples


def test_gradient_of_the_direction_equals_finite_differences():
    layer, params = posterior(4), params_of(5.0, 4, rows=3)
    weight = np.random.default_rng(6).normal(size=(2, 3, 4)).astype("float32")
    turn = np.zeros([3, 5], "float32")
    turn[:, :4] = np.random.default_rng(7).normal(size=(3, 4))

    def value_and_gradient(params):
        with tf.GradientTape() as tape:
            tape.watch(params)
            value = tf.reduce_sum(weight * layer.distribution(params).sample(2, seed=[5, 6]))
        return value, tape.gradient(value, params)

    step = 1e-2
    ends = [float(value_and_gradient(params + sign * step * turn)[0]) for sign in (1, -1)]
    gradient = value_and_gradient(params)[1]
    # float32 values near 5 carry 5e-7, over the step 5e-5; the curvature adds the rest.
    assert float(tf.reduce_sum(gradient * turn)) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-2, abs=1e-3)


@pytest.mark.parametrize("dim", [2, 16])
def test_gradients_of_many_samples_are_finite(dim):
    """Samples at the pole itself have one too."""
    layer = posterior(dim)

    @tf.function(jit_compile=True)
    def gradient(params):
        with tf.GradientTape() as tape:
            tape.watch(params)
            z = layer.distribution(params).sample(5000, seed=[1, 2])
            total = tf.reduce_sum(z * tf.range(dim, dtype=tf.float32))
        return tape.gradient(total, params)

    concentrations = tf.constant([[-50.0], [0.0], [3.0], [1000.0]])
    assert np.isfinite(gradient(tf.concat([tf.ones([4, dim]), concentrations], axis=-1))).all()


def test_portable_samples_are_uniform_on_the_sphere():
    prior = latents.SphericalUniform()
    prior.build((None, 3))
    z = prior.sample(tf.fill([20000], 5), tf.range(20000)).numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-6)
    for axis in range(3):  # Archimedes: each coordinate is uniform
        assert stats.kstest(z[:, axis], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    np.testing.assert_allclose(prior.distribution().log_prob(z), -np.log(4 * np.pi), rtol=1e-5)


def test_an_empty_example_has_a_direction_and_bounded_gradients():
    """Biases start at 0: an example of zeros gives parameters of 0, which are the direction of no vector."""
    x = np.random.default_rng(0).random((8, 6)).astype("float32")
    x[0] = 0
    model = kae.models.SphericalVAE(latent_dim=3)
    model.build((None, 6))
    np.testing.assert_allclose(np.linalg.norm(model.encode(x), axis=1), 1, atol=1e-6)
    # The reciprocal square root of the normalization is rounded differently on different processors.
    np.testing.assert_allclose(model.encode(x)[0], [1, 0, 0], atol=1e-6)
    norms = []
    for rows in (x[1:], x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.terms(rows, None, StepContext(tf.constant([1, 2]), training=True))["loss"])
        weights = model.encoder.trainable_variables + model.posterior_layer.trainable_variables
        norms.append(float(tf.linalg.global_norm(tape.gradient(loss, weights))))
    assert norms[1] < 3 * norms[0]
