"""Trustworthiness and continuity, beside scikit-learn and a loop over all pairs."""

import numpy as np
import pytest
from sklearn import manifold

from keras_ae.evaluate.maps import continuity, preservation, trustworthiness

RNG = np.random.default_rng(0)
X = RNG.normal(size=[70, 5]).astype("float32")
CODES = (X[:, :2] + 0.3 * RNG.normal(size=[70, 2])).astype("float32")


def by_all_pairs(x, codes, k):
    """The continuity as its definition says: examples whose codes are not among the k nearest of a code."""
    num, total = len(x), 0
    for i in range(num):
        by_x = sorted((j for j in range(num) if j != i), key=lambda j: np.linalg.norm(x[i] - x[j]))
        by_code = sorted((j for j in range(num) if j != i), key=lambda j: np.linalg.norm(codes[i] - codes[j]))
        total += sum(by_code.index(j) + 1 - k for j in by_x[:k] if j not in by_code[:k])
    return 1 - 2 / (num * k * (2 * num - 3 * k - 1)) * total


@pytest.mark.parametrize("k", [1, 5, 20])
def test_continuity_is_its_definition(k):
    np.testing.assert_allclose(continuity(X, CODES, neighbors=k), by_all_pairs(X, CODES, k), rtol=1e-9)
    np.testing.assert_allclose(trustworthiness(X, CODES, neighbors=k), by_all_pairs(CODES, X, k), rtol=1e-9)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_trustworthiness_is_that_of_scikit_learn(k):
    expected = manifold.trustworthiness(X, CODES, n_neighbors=k)
    np.testing.assert_allclose(trustworthiness(X, CODES, neighbors=k), expected, rtol=1e-9)


def test_chunks_change_nothing(monkeypatch):
    whole = trustworthiness(X, CODES), continuity(X, CODES)
    monkeypatch.setattr(preservation, "_CHUNK", 16)
    np.testing.assert_allclose((trustworthiness(X, CODES), continuity(X, CODES)), whole, rtol=1e-12)


def test_random_codes_are_near_one_half_and_scaled_ones_are_perfect():
    codes = RNG.normal(size=[400, 2])
    x = RNG.normal(size=[400, 2])
    # The mean rank of 400 random neighbors of each of 5 has an error of 1%.
    np.testing.assert_allclose([trustworthiness(x, codes), continuity(x, codes)], 0.5, atol=0.03)
    assert trustworthiness(x, 3 * x[:, ::-1] + 1) == continuity(x, 3 * x[:, ::-1] + 1) == 1.0
