"""SAP, DCI, explicitness and downstream accuracy, by other ways to compute them."""

import numpy as np
import pytest
from known_codes import CODES, FACTORS, NOISY, NUM
from scipy import stats
from sklearn.linear_model import LogisticRegression

from keras_ae.evaluate.disentanglement import (
    dci,
    downstream_accuracy,
    explicitness,
    predictability,
    separated_attribute_predictability,
)
from keras_ae.evaluate.disentanglement.splitting import split


def test_a_continuous_factor_is_predicted_by_correlation():
    found = predictability(NOISY, {"angle": FACTORS["angle"]})[:, 0]
    expected = [stats.pearsonr(z, FACTORS["angle"])[0] ** 2 for z in NOISY.T]
    np.testing.assert_allclose(found, expected, rtol=1e-4)  # the codes are float32


def test_a_binary_factor_is_predicted_by_the_best_threshold():
    binary, (train, test) = (FACTORS["shape"] > 1), split(NUM, 0)
    found = predictability(NOISY, {"binary": binary})[:, 0]
    for z, score in zip(NOISY.T, found, strict=True):
        best = max(
            (np.mean([np.mean((z[train] > t)[binary[train] == b] == (b == up)) for b in (False, True)]), t, up)
            for t in z[train]
            for up in (False, True)
        )
        # The tree minimizes the Gini impurity, and cuts between two values.
        predicted = (z[test] > best[1]) == best[2]
        expected = np.mean([np.mean(predicted[binary[test] == b] == b) for b in (False, True)])
        np.testing.assert_allclose(score, expected, atol=0.06)


def test_sap_is_the_mean_gap_between_the_best_two():
    scores = predictability(NOISY, FACTORS)
    gaps = [np.diff(sorted(column)[-2:])[0] for column in scores.T]
    np.testing.assert_allclose(separated_attribute_predictability(NOISY, FACTORS), np.mean(gaps))


def test_a_linear_machine_does_not_tell_a_category_in_the_middle():
    settings = {"factors": {"shape": FACTORS["shape"]}, "codes": CODES["identity"]}
    assert predictability(**settings, classifier="linear_svm")[0, 0] < 0.8 < predictability(**settings)[0, 0]


@pytest.mark.parametrize("predictor", ["random_forest", "boosted_trees"])
def test_dci_is_made_of_entropies_of_importances(predictor):
    factors = {"binary": FACTORS["shape"] > 1, "angle": FACTORS["angle"], "size": FACTORS["size"]}
    found = dci(NOISY, factors, predictor=predictor, max_examples=300)
    importance = found.importance
    assert importance.shape == (3, 3)
    np.testing.assert_allclose(importance.sum(axis=0), 1.0)
    for name, rows in (("disentanglement", importance), ("completeness", importance.T)):
        scores = [1 - stats.entropy(row, base=len(row)) for row in rows]
        weights = [row.sum() / importance.sum() for row in rows]
        np.testing.assert_allclose(getattr(found, name), np.dot(weights, scores), rtol=1e-9)


def test_the_explicitness_of_one_dimension_is_that_of_its_ranks():
    """The logistic regression is monotone, so the area is Mann and Whitney's statistic of the code itself."""
    z, binary, test = NOISY[:, :1], FACTORS["shape"] > 1, split(NUM, 0)[1]
    ones, zeros = z[test][binary[test], 0], z[test][~binary[test], 0]
    pairs = (ones[:, np.newaxis] > zeros).mean()
    np.testing.assert_allclose(explicitness(z, {"b": binary}), max(pairs, 1 - pairs), atol=1e-6)


def test_downstream_accuracy_is_that_of_the_classifier_on_other_examples():
    found = downstream_accuracy(NOISY, {"shape": FACTORS["shape"]}, train_sizes=(100, 600))
    order = np.random.default_rng(0).permutation(NUM)
    train, test = order[:600], order[600:]
    model = LogisticRegression(max_iter=1000).fit(NOISY[train], FACTORS["shape"][train])
    # The codes were not standardized here, which changes the penalty.
    np.testing.assert_allclose(found.accuracy[1, 0], model.score(NOISY[test], FACTORS["shape"][test]), atol=0.02)
    assert found.train_sizes == (100, 600) and found.factors == ("shape",)


def test_boosted_trees_learn_what_is_not_linear():
    z = np.random.default_rng(0).normal(size=[600, 2])
    factors = {"same_sign": z[:, 0] * z[:, 1] > 0}
    found = {
        name: downstream_accuracy(z, factors, classifier=name, train_sizes=(10, 400)).accuracy[1, 0]
        for name in ("boosted_trees", "logistic_regression")
    }
    assert found["boosted_trees"] > 0.9 > 0.7 > found["logistic_regression"]
