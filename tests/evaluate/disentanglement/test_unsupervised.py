"""Scores without factors, beside closed forms and SciPy."""

import numpy as np
import pytest
from known_codes import CODES, NOISY
from scipy import linalg, stats
from sklearn.linear_model import Lasso
from sklearn.metrics import mutual_info_score

from keras_ae.evaluate.disentanglement import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    mutual_information_score,
    unsupervised_disentanglement_ranking,
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


def ranking(similarity, codes):
    """UDR from its definition, with a function that gives the similarity of two dimensions or codes."""
    scores = []
    for i, first in enumerate(codes):
        others = []
        for j, second in enumerate(codes):
            if i == j:
                continue
            r = similarity(first, second)
            total = sum(max(r[:, b]) ** 2 / sum(r[:, b]) for b in range(r.shape[1]))
            total += sum(max(r[a]) ** 2 / sum(r[a]) for a in range(r.shape[0]))
            others.append(total / sum(r.shape))
        scores.append(np.median(others))
    return scores


def rank_correlations(first, second):
    return np.array([[abs(stats.spearmanr(a, b).statistic) for b in second.T] for a in first.T])


def lasso_weights(first, second):
    first, second = (stats.zscore(each) for each in (first, second))
    return np.abs(np.array([Lasso(alpha=0.1).fit(first, b).coef_ for b in second.T])).T


@pytest.mark.parametrize(("name", "similarity"), [("spearman", rank_correlations), ("lasso", lasso_weights)])
def test_the_ranking_is_its_definition(name, similarity):
    codes = [Z, Z[:, [2, 0]] + 0.2 * Z[:, [1, 1]], CODES["rotated"].astype("float32").astype("float64")]
    found = unsupervised_disentanglement_ranking(codes, similarity=name)
    np.testing.assert_allclose(found, ranking(similarity, codes), rtol=1e-4)


def test_order_signs_and_unused_dimensions_do_not_matter():
    z = CODES["identity"]
    other = np.concatenate([-z[:, ::-1], 1e-3 * Z[:, :1]], axis=1)
    found = unsupervised_disentanglement_ranking([z, other, CODES["constant"], z])
    # The models that agree have a median over one agreement, one agreement and a 0.
    assert (found[[0, 1, 3]] > 0.85).all() and found[2] == 0.0
