"""SAP, by other ways to compute it."""

import numpy as np
from known_codes import CODES, FACTORS, NOISY, NUM
from scipy import stats

from keras_ae.evaluate.disentanglement import predictability, separated_attribute_predictability
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
