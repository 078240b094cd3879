"""Detection metrics are those of their definitions."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_ae.evaluate import detection_metrics

RNG = np.random.default_rng(0)
USUAL, OUTLIERS = RNG.normal(size=120), RNG.normal(1.5, 1.0, size=80)


def found(usual=USUAL, outliers=OUTLIERS, **kwargs):
    return {each.name: each for each in detection_metrics(usual, outliers, num_resamples=30, **kwargs)}


def test_areas_are_those_of_scikit_learn():
    labels, scores = np.arange(200) >= 120, np.concatenate([USUAL, OUTLIERS])
    assert found()["auroc"].value == pytest.approx(roc_auc_score(labels, scores))
    assert found()["aupr_out"].value == pytest.approx(average_precision_score(labels, scores))
    assert found()["aupr_in"].value == pytest.approx(average_precision_score(~labels, -scores))


def test_errors_are_the_best_over_all_thresholds():
    thresholds = np.concatenate([USUAL, OUTLIERS, [-9.0, 9.0]])
    rates = [(np.mean(t >= USUAL), np.mean(t >= OUTLIERS)) for t in thresholds]
    assert found()["fpr_at_95_tpr"].value == pytest.approx(min(fpr for tpr, fpr in rates if tpr >= 0.95))
    assert found()["detection_error"].value == pytest.approx(min(0.5 * (1 - tpr) + 0.5 * fpr for tpr, fpr in rates))


def test_scores_of_chance_and_intervals():
    same = found(USUAL, USUAL)
    assert same["auroc"].value == pytest.approx(0.5) and same["detection_error"].value == pytest.approx(0.5)
    for each in found().values():
        assert each.interval[0] <= each.value <= each.interval[1] and each.standard_error > 0
    assert found(seed=1)["auroc"].interval != found(seed=2)["auroc"].interval


@pytest.mark.parametrize("bad", [[], [np.nan], [[1.0]]])
def test_bad_scores_are_refused(bad):
    with pytest.raises(ValueError, match="`outliers` must be scores"):
        detection_metrics(USUAL, bad)
