"""Every interval of every metric holds its value, and has a width."""

import metric_walk
import numpy as np
import pytest

from keras_ae.evaluate import METRICS, classifier, regressor
from keras_ae.evaluate.statistics import (
    bootstrap_measurement,
    choices_measurement,
    error_measurement,
    fraction_measurement,
    mean_measurement,
    resampled_measurement,
    runs_measurement,
)

# Every second one is in the short run.
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if i % 2 or name in metric_walk.TRAINS else ())
    for i, name in enumerate(metric_walk.OPTIONS)
]


@pytest.fixture(autouse=True)
def short_training(monkeypatch):
    for module in (classifier, regressor):
        monkeypatch.setattr(module, "_FEWEST_STEPS", 5)


def test_every_metric_is_walked():
    assert {n for n, each in METRICS.items() if each.function.__module__.startswith("keras_ae.")} == {
        *metric_walk.OPTIONS
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_interval_holds_its_value(name):
    found = METRICS[name].measure(metric_walk.subject_for(name), **metric_walk.OPTIONS[name])
    assert found and all(np.isfinite(each.value) for each in found)
    for each in found:
        if each.interval is not None:
            assert each.interval[0] <= each.value <= each.interval[1], each
        assert metric_walk.has_a_width(each), each


def entropy(values):
    p = np.unique(values, return_counts=True)[1] / len(values)
    return -(p * np.log(p)).sum()


def test_the_interval_of_a_statistic_that_repeated_rows_bias_holds_its_value():
    values = np.arange(100)
    rng = np.random.default_rng(0)
    draws = [entropy(rng.choice(values, 100)) for _ in range(50)]
    assert max(draws) < entropy(values)  # percentiles of the draws would not hold it
    low, high = bootstrap_measurement("m", entropy, values, num=50).interval
    assert low < entropy(values) < high


def test_an_interval_ends_at_the_bounds_and_needs_a_spread():
    found = resampled_measurement("m", 0.9, [0.7, 0.8, 0.9, 1.0], (0.0, 1.0))
    assert found.interval[1] == 1.0 and found.interval[0] == pytest.approx(0.9 - 1.96 * found.standard_error, rel=1e-4)
    for draws in ([1.0, 1.0, 1.0], [0.5]):
        assert resampled_measurement("m", 1.0, draws).interval is None


@pytest.mark.parametrize("measure", [mean_measurement, runs_measurement])
def test_equal_values_show_no_uncertainty(measure):
    rounded = np.full(1000, np.log(10_000.0))
    rounded[::2] = np.float32(rounded[0])  # equal but for rounding
    for values in ([9.0, 9.0, 9.0], [0.0, 0.0], [5.0], rounded):
        found = measure("m", values)
        assert found.standard_error is None and found.interval is None
    assert measure("m", [9.0, 9.0, 9.1]).interval is not None


def test_a_value_without_an_error_has_no_interval():
    for error in (None, np.nan, 0.0):
        found = error_measurement("m", 2.0, error)
        assert found.value == 2.0 and found.standard_error is None and found.interval is None
    assert error_measurement("m", 2.0, 1.0).interval == pytest.approx((0.04, 3.96), abs=1e-3)


def test_choices_have_their_median_and_no_interval():
    found = choices_measurement("m", [15, 9, 13], details={"a": 1})
    assert found.value == 13 and found.details == {"a": 1, "choices": [9, 13, 15]} and found.interval is None
    assert choices_measurement("m", [2, 15]).value == 2  # one of the choices


@pytest.mark.parametrize("num", range(1, 60))
def test_wilsons_interval_holds_fractions_of_0_and_1(num):
    for hits in (np.zeros(num), np.ones(num)):
        found = fraction_measurement("f", hits)
        assert found.interval[0] <= found.value <= found.interval[1]
