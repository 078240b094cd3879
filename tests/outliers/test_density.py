"""The density of usual values is a mixture of normal distributions, as scikit-learn has it."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.mixture import GaussianMixture

from keras_ae.outliers.density import Density, fit_density

RNG = np.random.default_rng(0)


def test_the_density_of_a_mixture_is_its_formula():
    loc = np.array([[0.0, 1.0], [3.0, -1.0]])
    roots = np.array([[[2.0, 0.0], [0.5, 1.0]], [[0.3, 0.0], [0.1, 0.2]]])
    covariances, weights, center = roots @ roots.transpose(0, 2, 1), np.array([0.3, 0.7]), np.array([1e3, -2e3])
    factors = np.linalg.inv(roots).transpose(0, 2, 1)
    constants = np.log(weights) - np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(covariances)[1]
    density = Density(*(np.float32(each) for each in (constants, center, loc, factors)))
    x = RNG.normal(size=[50, 2]) * 4.0
    parts = [w * multivariate_normal(m, c).pdf(x) for w, m, c in zip(weights, loc, covariances, strict=True)]
    found = density(tf.constant(x + center, tf.float32)).numpy()
    # float32 at 2,000 has an error of 1e-4, in units of a standard deviation of 0.2.
    np.testing.assert_allclose(found, -np.log(sum(parts)), rtol=5e-3, atol=5e-3)


def test_the_number_of_components_suits_the_values():
    x = np.concatenate([RNG.normal(size=[60, 2]), RNG.normal(size=[60, 2]) + 9.0])
    density = fit_density(x, seed=0)
    assert len(density.loc) == 2
    spread = np.sqrt(x.var(axis=0).mean())
    mixture = GaussianMixture(2, reg_covar=1e-3, max_iter=50, random_state=0).fit((x - x.mean(axis=0)) / spread)
    expected = -mixture.score_samples((x - x.mean(axis=0)) / spread) + 2 * np.log(spread)
    np.testing.assert_allclose(density(tf.constant(x, tf.float32)), expected, atol=1e-3)  # float32
    np.testing.assert_allclose(density(x), expected, atol=1e-5)  # float64, with factors in float32


def test_few_values_have_one_component_that_orders_as_the_mahalanobis_distance():
    x = RNG.normal(size=[20, 12])
    density, strange = fit_density(x, seed=0), 2.0 * RNG.normal(size=[30, 12])
    distance = LedoitWolf().fit(x).mahalanobis(strange)
    found = density(tf.constant(strange, tf.float32)).numpy()
    assert len(density.loc) == 1
    np.testing.assert_allclose(np.diff(found), 0.5 * np.diff(distance), rtol=0.01, atol=0.05)  # a variance of 1e-3


def test_constant_values_have_a_density():
    density = fit_density(np.ones([10, 3]), seed=0)
    near, far = density(tf.constant([[1.0, 1.0, 1.0], [2.0, 1.0, 1.0]])).numpy()
    assert np.isfinite([near, far]).all() and far > near


@pytest.mark.parametrize(("noise", "fewer"), [(0.03, False), (0.5, True)])
def test_a_fine_density_has_more_components_only_where_values_left_out_are_more_likely_so(noise, fewer):
    """Values on a curve in ten dimensions, as codes are: with much noise, few components are enough."""
    angles, waves = RNG.uniform(0.0, 6.0, size=[12_000, 1]), np.array([1, 2, 3, 5, 8])
    curve = np.concatenate([np.cos(waves * angles), np.sin(waves * angles)], axis=-1)
    values = curve + noise * RNG.normal(size=curve.shape)
    coarse, fine = (fit_density(values[:6000], 0, fine=fine) for fine in (False, True))
    assert (len(coarse.loc), len(fine.loc)) == (30, 30 if fewer else 120)
    if not fewer:
        assert fine(values[6000:]).mean() < coarse(values[6000:]).mean() - 0.5
