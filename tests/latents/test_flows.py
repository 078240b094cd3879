"""Flows, as posteriors: densities against Jacobians, inverses and integrals."""

import numpy as np
import pytest
import tensorflow as tf
from differences import jacobians
from scipy import stats
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.bijectors.autoregression import Autoregression, bounded, gated
from keras_ae.step_context import StepContext

MAKERS = {
    "iaf": lambda: latents.InverseAutoregressiveFlow(steps=3, hidden=(16, 12), context_size=5),
    "iaf_of_full_covariance": lambda: latents.InverseAutoregressiveFlow(
        "full_covariance_normal", steps=1, hidden=(16,)
    ),
    "planar": lambda: latents.PlanarFlow(steps=3),
    "planar_of_iaf": lambda: latents.PlanarFlow(latents.InverseAutoregressiveFlow(steps=2, hidden=(16,)), steps=2),
}


def scramble(layer, seed=0, scale=0.5):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape, scale=scale) for w in layer.get_weights()])


def made(name, dim=3, rows=4):
    """A posterior with every weight at random, and the parameters of `rows` distributions."""
    layer = MAKERS[name]()
    layer.set_latent_dim(dim)
    layer.build((None, 6))
    scramble(layer)
    return layer, layer(np.random.default_rng(1).normal(size=(rows, 6)).astype("float32"))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_log_determinant_equals_that_of_the_jacobian(name, dim):
    layer, params = made(name, dim)
    told = layer._split(params)[1]
    z = tf.constant(np.random.default_rng(2).normal(size=(4, dim)), tf.float32)
    log_det = layer.forward(z, told)[1]
    jacobian = jacobians(lambda z: layer.forward(z, told)[0], z)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=5e-4)  # the steps; seen: 7e-5
    assert (np.linalg.det(jacobian) > 0).all()


@pytest.mark.parametrize("name", MAKERS)
def test_inverse_undoes_the_flow_and_gives_the_same_determinant(name):
    layer, params = made(name)
    told = layer._split(params)[1]
    z = tf.constant(np.random.default_rng(3).normal(size=(7, 4, 3)), tf.float32)  # [K, B, D]
    y, log_det = layer.forward(z, told)
    again, same = layer.inverse(y, told)
    np.testing.assert_allclose(again, z, atol=1e-4)  # rounding, times the scales of three maps
    np.testing.assert_allclose(same, log_det, atol=1e-4)


@pytest.mark.parametrize("name", first(2, MAKERS))
@pytest.mark.parametrize("jit_compile", first(1, [False, True]))
def test_density_that_comes_with_samples_is_that_of_any_code(name, jit_compile):
    layer, params = made(name)

    @tf.function(jit_compile=jit_compile)
    def both(params):
        q = layer.distribution(params)
        z, log_prob = q.experimental_sample_and_log_prob(5, seed=[1, 2])
        return z, log_prob, q.log_prob(z)

    z, log_prob, inverted = both(params)
    assert z.shape == (5, 4, 3) and log_prob.shape == (5, 4)
    np.testing.assert_allclose(log_prob, inverted, atol=1e-3)  # the inverse divides rounding errors by small gates
    if not jit_compile:  # XLA draws other numbers
        np.testing.assert_allclose(z, layer.distribution(params).sample(5, seed=[1, 2]), atol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_density_integrates_to_one(name):
    layer, params = made(name, dim=2, rows=1)
    side = np.linspace(-12, 12, 401, dtype="float32")
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 1, 2)
    density = np.exp(layer.distribution(params).log_prob(grid).numpy().astype("float64"))
    # What lies outside of the grid, and the sum for the integral: the densities are a few cells wide at least.
    assert density.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("jit_compile", [True, False])
def test_gradient_of_the_density_equals_finite_differences(name, jit_compile):
    """Of a given code: through the inverse, bisection and loops."""
    layer, params = made(name)
    z = tf.constant(np.random.default_rng(4).normal(size=(4, 3)), tf.float32)
    direction = np.random.default_rng(5).normal(size=params.shape).astype("float32")
    direction /= np.linalg.norm(direction)

    @tf.function(jit_compile=jit_compile)
    def value_and_gradient(params):
        with tf.GradientTape() as tape:
            tape.watch(params)
            value = tf.reduce_sum(layer.distribution(params).log_prob(z))
        return value, tape.gradient(value, params)

    step = 1e-2
    gradient = value_and_gradient(params)[1].numpy()
    ends = [float(value_and_gradient(params + sign * step * direction)[0]) for sign in (1, -1)]
    # float32 sums near 20 carry 1e-6, over the step 1e-4; the curvature adds the rest.
    assert (gradient * direction).sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=2e-2, abs=5e-3)


@pytest.mark.parametrize("affine", [gated, bounded])
@pytest.mark.parametrize("context_size", [0, 3])
def test_autoregressive_maps_depend_on_the_values_before(affine, context_size):
    flow = Autoregression(1, (9, 8), affine)
    flow.build(4, context_size)
    scramble(flow, scale=1.0)
    z = tf.constant(np.random.default_rng(6).normal(size=(3, 4)), tf.float32)
    context = tf.ones([3, context_size]) if context_size else None
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([z] if context is None else [z, context])
        y, _ = flow.transform(z, context)
    jacobian = tape.batch_jacobian(y, z, experimental_use_pfor=False).numpy()
    np.testing.assert_array_equal(np.triu(jacobian, 1), 0)
    assert (np.abs(jacobian[:, np.tril_indices(4)[0], np.tril_indices(4)[1]]) > 0).mean() > 0.8  # and on all of them
    if context is not None:
        assert (np.abs(tape.batch_jacobian(y, context, experimental_use_pfor=False)).sum(axis=-1) > 0).all()


def test_autoregressive_flow_starts_as_its_base_shrunk():
    layer = latents.InverseAutoregressiveFlow(steps=2)
    layer.set_latent_dim(3)
    layer.build((None, 6))
    params = layer(np.random.default_rng(1).normal(size=(4, 6)).astype("float32"))
    gate = 1 / (1 + np.exp(-2.0))
    z, log_prob = layer.distribution(params).experimental_sample_and_log_prob(2, seed=[3, 4])
    base = layer.base.distribution(params[:, :6])
    np.testing.assert_allclose(z, gate**2 * base.sample(2, seed=[3, 4]), rtol=1e-5)
    np.testing.assert_allclose(log_prob, base.log_prob(z / gate**2) - 6 * np.log(gate), rtol=1e-5)


def test_planar_map_equals_the_formula():
    layer = latents.PlanarFlow(steps=1)
    layer.set_latent_dim(2)
    layer.build((None, 2))
    u, w, b = np.array([0.5, -1.0]), np.array([2.0, 1.5]), 0.3
    z = np.random.default_rng(7).normal(size=(6, 2))
    m = np.log1p(np.exp(w @ u) * (np.e - 1)) - 1
    changed = u + (m - w @ u) * w / (w @ w)
    bend = np.tanh(z @ w + b)
    told = np.tile(np.concatenate([u, w, [b]]), (6, 1)).astype("float32")
    y, log_det = layer.forward(z.astype("float32"), told)
    np.testing.assert_allclose(y, z + changed * bend[:, np.newaxis], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(log_det, np.log1p(changed @ w * (1 - bend**2)), rtol=1e-4, atol=1e-6)


def test_planar_map_of_zeros_is_the_identity_however_small_the_weights():
    layer = latents.PlanarFlow(steps=1)
    layer.set_latent_dim(2)
    layer.build((None, 2))
    z = tf.constant([[1.0, -2.0]])
    for size in (0.0, 1e-6, 1e-3):
        np.testing.assert_allclose(layer.forward(z, tf.fill([1, 5], size))[0], z, atol=2 * size)


def test_planar_map_stays_one_to_one_for_parameters_that_would_fold():
    layer = latents.PlanarFlow(steps=1)
    layer.set_latent_dim(1)
    layer.build((None, 1))
    line = tf.constant(np.linspace(-4, 4, 2001)[:, np.newaxis], tf.float32)
    y, log_det = layer.forward(line, tf.constant([[-40.0, 1.0, 0.0]]))  # u, w, b: w'u = -40
    assert (np.diff(y[:, 0]) >= 0).all() and np.isfinite(log_det).all()


@pytest.mark.parametrize("base", ["deterministic", "power_spherical", "top_down_normal"])
def test_base_without_a_density_of_its_own_over_real_vectors_is_refused(base):
    with pytest.raises(ValueError, match="`base` must be a posterior over real vectors, and not hierarchical"):
        latents.PlanarFlow(latents.posteriors.get(base))


def test_base_equals_scipy_where_the_flow_is_off():
    """A planar flow of zeros is its base."""
    layer = latents.PlanarFlow("full_covariance_normal", steps=2)
    layer.set_latent_dim(3)
    layer.build((None, 6))
    params = tf.concat([tf.constant([[1.0, 2, 3, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]), tf.zeros([1, 14])], axis=-1)
    q = layer.base.distribution(params[:, :9])
    z = np.random.default_rng(8).normal(size=(5, 1, 3)).astype("float32")
    expected = stats.multivariate_normal(q.mean()[0], q.covariance()[0]).logpdf(z[:, 0])
    np.testing.assert_allclose(layer.distribution(params).log_prob(z)[:, 0], expected, rtol=1e-4)


def test_training_and_evaluation_never_invert_a_flow(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("inverted")

    monkeypatch.setattr(latents.InverseAutoregressiveFlow, "inverse", refuse)
    model = kae.models.VAE(latent_dim=2, posterior="inverse_autoregressive_flow")
    model.build((None, 4))
    x = np.ones([3, 4], "float32")
    assert np.isfinite(model.terms(x, None, StepContext(tf.constant([1, 2]), training=True))["kl"]).all()
    assert np.isfinite(kae.evaluate.log_likelihood(model, x, num_samples=10)).all()
