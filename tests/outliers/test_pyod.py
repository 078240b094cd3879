"""The detector keeps PyOD's conventions."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

pytest.importorskip("pyod")

from keras_ae.outliers.pyod import KerasAE

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=[3, 8])


def draw(num):
    """Rows near a plane of three dimensions, and a tenth that are not; with their labels."""
    x = RNG.normal(size=[num, 3]) @ MIX + 0.1 * RNG.normal(size=[num, 8])
    labels = (np.arange(num) < num // 10).astype(int)
    x[labels == 1] = RNG.normal(size=[num // 10, 8]) * 2.0
    return x, labels


TRAIN, TRAIN_LABELS = draw(600)
TEST, TEST_LABELS = draw(200)


@pytest.fixture(scope="module")
def detector():
    return KerasAE(contamination=0.1, epochs=20, random_state=0).fit(TRAIN)


def test_training_scores_threshold_and_labels(detector):
    np.testing.assert_array_equal(detector.decision_scores_, detector.decision_function(TRAIN))
    # PyOD's threshold is a percentile of the training scores.
    assert detector.threshold_ == np.percentile(detector.decision_scores_, 90)
    np.testing.assert_array_equal(detector.labels_, detector.decision_scores_ > detector.threshold_)
    assert set(detector.labels_) == {0, 1} and detector.labels_.sum() == 60


def test_higher_scores_are_stranger(detector):
    scores = detector.decision_function(TEST)
    assert scores.shape == (200,) and roc_auc_score(TEST_LABELS, scores) > 0.9
    np.testing.assert_array_equal(detector.predict(TEST), scores > detector.threshold_)


@pytest.mark.parametrize("method", ["linear", "unify"])
def test_probabilities_follow_the_scores(detector, method):
    found, confidence = detector.predict_proba(TEST, method=method, return_confidence=True)
    assert found.shape == (200, 2) and confidence.shape == (200,)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert found.min() >= 0 and found.max() <= 1 and confidence.min() >= 0 and confidence.max() <= 1
    order = np.argsort(detector.decision_function(TEST))
    assert (np.diff(found[order, 1]) >= 0).all() and found[order[-1], 1] > found[order[0], 1]


def test_an_unknown_method_is_refused(detector):
    with pytest.raises(ValueError, match="nonsense"):
        detector.predict_proba(TEST, method="nonsense")


def test_confidence_and_rejection(detector):
    labels, confidence = detector.predict(TEST, return_confidence=True)
    np.testing.assert_array_equal(labels, detector.predict(TEST))
    np.testing.assert_array_equal(confidence, detector.predict_confidence(TEST))
    sure, (expected, most, cost) = detector.predict_with_rejection(TEST, return_stats=True, c_r=0.1)
    kept = sure != -2  # PyOD's label for what is rejected
    np.testing.assert_array_equal(sure[kept], labels[kept])
    assert 0 <= expected <= 1 and 0 <= most <= 1 and cost >= 0


def test_a_clone_has_the_arguments_and_no_fit(detector):
    again = clone(detector)
    assert again.get_params() == detector.get_params() and not hasattr(again, "decision_scores_")
    assert set(KerasAE().get_params()) >= {"contamination", "model", "scoring", "epochs", "random_state"}
    assert again.set_params(epochs=3).epochs == 3


@pytest.mark.filterwarnings("ignore:Function fit_predict_score is deprecated:FutureWarning")
def test_a_trained_model_is_fitted_and_measured_in_one_call(detector):
    model, scaled = detector.detector_.model_, detector.detector_.scaling_(TEST)
    found = KerasAE(model=model, scoring="elbo", random_state=0)
    expected = found.fit_predict_score(scaled, TEST_LABELS)
    assert expected == pytest.approx(roc_auc_score(TEST_LABELS, found.decision_scores_), abs=1e-4)  # it is rounded
    assert found.detector_.model_ is model and found.decision_scores_.shape == (200,)
    with pytest.raises(NotImplementedError):
        found.fit_predict_score(scaled, TEST_LABELS, scoring="nonsense")


@pytest.mark.parametrize("contamination", [0.0, 0.6, -0.1])
def test_a_wrong_contamination_is_refused(contamination):
    with pytest.raises(ValueError, match="contamination"):
        KerasAE(contamination=contamination)
