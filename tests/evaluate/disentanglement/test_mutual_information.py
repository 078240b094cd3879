"""Mutual information and its scores, beside scikit-learn and loops."""

import numpy as np
import pytest
from known_codes import FACTORS, NOISY
from sklearn.metrics import mutual_info_score

from keras_ae.evaluate.disentanglement import (
    discretize,
    modularity,
    mutual_information_gap,
    mutual_information_matrix,
)


def bins(values, num=20):
    edges = np.linspace(values.min(), values.max(), num + 1)
    return np.digitize(values, edges[1:-1])


@pytest.fixture(scope="module")
def expected():
    factors = [FACTORS["shape"], bins(FACTORS["angle"]), bins(FACTORS["size"])]
    codes = NOISY.astype("float32")
    information = np.array([[mutual_info_score(bins(z), v) for v in factors] for z in codes.T])
    return information, np.array([mutual_info_score(v, v) for v in factors])


def test_the_matrix_is_that_of_scikit_learn(expected):
    np.testing.assert_allclose(mutual_information_matrix(NOISY, FACTORS), expected[0], rtol=1e-6)


def test_the_gap_is_its_definition(expected):
    information, entropies = expected
    gaps = []
    for k in range(3):
        second, first = sorted(information[:, k])[-2:]
        gaps.append((first - second) / entropies[k])
    np.testing.assert_allclose(mutual_information_gap(NOISY, FACTORS), np.mean(gaps), rtol=1e-6)


def test_modularity_is_its_definition(expected):
    scores = []
    for row in expected[0]:
        best = np.argmax(row)
        template = np.where(np.arange(3) == best, row[best], 0.0)
        scores.append(1 - ((row - template) ** 2).sum() / (row[best] ** 2 * 2))
    np.testing.assert_allclose(modularity(NOISY, FACTORS), np.mean(scores), rtol=1e-6)


def test_one_dimension_has_a_second_without_information():
    z = np.arange(40.0)[:, np.newaxis] % 4
    assert mutual_information_gap(z, {"a": np.arange(40) % 4}) == pytest.approx(1.0)


def test_factors_are_named_or_columns():
    named = {"a": FACTORS["angle"], "b": FACTORS["size"]}
    columns = np.stack(list(named.values()), axis=1)
    assert mutual_information_gap(NOISY, named) == mutual_information_gap(NOISY, columns)
    words = np.array(["a", "b", "c", "d"])[FACTORS["shape"]]
    assert mutual_information_gap(NOISY, {"s": words}) == mutual_information_gap(NOISY, {"s": FACTORS["shape"]})


def test_quantiles_are_equally_full_and_keep_equal_values_together():
    values = np.random.default_rng(0).normal(size=1000)
    assert set(np.bincount(discretize(values, 10, "quantile"))) == {100}
    np.testing.assert_array_equal(discretize([1.0, 1.0, 1.0, 2.0], 3, "quantile"), [0, 0, 0, 1])
    np.testing.assert_array_equal(discretize([5.0, 5.0]), [0, 0])
    np.testing.assert_array_equal(discretize([5.0, 5.0], strategy="quantile"), [0, 0])
