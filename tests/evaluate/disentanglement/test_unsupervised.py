"""Scores without factors, beside closed forms and SciPy."""

import numpy as np
from known_codes import CODES, NOISY
from scipy import linalg
from sklearn.metrics import mutual_info_score

from keras_ae.evaluate.disentanglement import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    mutual_information_score,
)

Z = NOISY.astype("float32").astype("float64")


def test_the_total_correlation_is_the_divergence_of_two_normal_distributions():
    covariance = np.cov(Z, rowvar=False)
    marginal = np.diag(np.diag(covariance))
    expected = 0.5 * (
        np.trace(linalg.solve(marginal, covariance)) - 3 + np.log(linalg.det(marginal) / linalg.det(covariance))
    )
    np.testing.assert_allclose(gaussian_total_correlation(Z), expected, rtol=1e-9)
    r = np.corrcoef(Z[:, 0], Z[:, 1])[0, 1]
    np.testing.assert_allclose(gaussian_total_correlation(Z[:, :2]), -0.5 * np.log(1 - r**2), rtol=1e-9)


def test_copies_of_dimensions_have_a_finite_total_correlation():
    assert 3 * 7 < gaussian_total_correlation(CODES["duplicated"]) < 3 * 9


def test_the_wasserstein_correlation_is_the_distance_of_two_normal_distributions():
    covariance = np.cov(Z, rowvar=False)
    marginal = np.diag(np.diag(covariance))
    root = linalg.sqrtm(marginal)
    expected = np.trace(covariance + marginal - 2 * linalg.sqrtm(root @ covariance @ root))
    np.testing.assert_allclose(gaussian_wasserstein_correlation(Z, normalize=False), expected, rtol=1e-7)
    np.testing.assert_allclose(gaussian_wasserstein_correlation(3 * Z), expected / np.trace(covariance), rtol=1e-5)


def test_the_mutual_information_score_is_the_mean_over_pairs():
    bins = [np.digitize(z, np.linspace(z.min(), z.max(), 21)[1:-1]) for z in Z.T]
    pairs = [mutual_info_score(bins[i], bins[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(mutual_information_score(Z), np.mean(pairs), rtol=1e-9)
