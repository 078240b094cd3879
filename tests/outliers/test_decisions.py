"""P-values keep their promise on fresh data, whatever the distribution of the scores."""

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control

from keras_ae.outliers import conformal_p_values, discoveries, drift

RNG = np.random.default_rng(0)


def test_p_values_are_ranks_among_calibration_scores():
    calibration, scores = RNG.normal(size=50), RNG.normal(size=20)
    expected = [(1 + np.sum(calibration >= s)) / 51 for s in scores]
    np.testing.assert_allclose(conformal_p_values(scores, calibration), expected)
    # Ties count against the example.
    assert conformal_p_values(np.array([1.0]), np.ones(9)).tolist() == [1.0]


@pytest.mark.parametrize(
    "draw", [RNG.normal, RNG.exponential, lambda size: RNG.pareto(1.1, size)], ids=["normal", "exponential", "pareto"]
)
def test_false_alarms_are_as_rare_as_asked(draw):
    """2,000 fresh calibration sets of 99 scores, one new score each: within the binomial interval of 99.9%."""
    rate, hits = 0.05, 0
    for _ in range(2000):
        scores = draw(size=100)
        hits += conformal_p_values(scores[:1], scores[1:])[0] <= rate
    low, high = binom.ppf([0.0005, 0.9995], 2000, rate)
    assert low <= hits <= high


def test_discoveries_are_those_of_scipy():
    for _ in range(20):
        p_values = RNG.random(30) ** 3
        expected = false_discovery_control(p_values) <= 0.1
        np.testing.assert_array_equal(discoveries(p_values, 0.1), expected)
    assert discoveries(np.zeros(0), 0.1).shape == (0,)


def test_drift_is_found_where_it_is():
    calibration = RNG.normal(size=500)
    assert drift(RNG.normal(size=300), calibration).p_value > 0.001
    found = drift(RNG.normal(0.5, size=300), calibration)
    assert found.p_value < 1e-6
    far = drift(calibration + 100.0, calibration)
    assert far.statistic == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conformal_p_values([1.0], []), "`calibration` must have at least one score"),
        (lambda: conformal_p_values([np.nan], [1.0]), "`scores` must be numbers"),
        (lambda: discoveries([0.1], 1.5), r"`rate` must be in \(0, 1\). Received: rate=1.5"),
        (lambda: drift([0.1], [1.0, 2.0]), "`scores` must have at least two scores"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
