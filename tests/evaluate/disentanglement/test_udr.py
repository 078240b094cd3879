"""UDR, from its definition."""

import numpy as np
import pytest
from known_codes import CODES, NOISY
from scipy import stats
from sklearn.linear_model import Lasso

from keras_ae.evaluate.disentanglement import unsupervised_disentanglement_ranking

Z = NOISY.astype("float32").astype("float64")


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
