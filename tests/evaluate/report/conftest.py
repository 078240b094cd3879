import types

import browser_fixtures
import numpy as np
import pytest

from keras_ae.evaluate import METRICS, Measurement, Need, NotApplicableError, metric
from keras_ae.evaluate.statistics import fraction_measurement, mean_measurement

browser = browser_fixtures.browser


@pytest.fixture
def cheap():
    """The registry with cheap metrics alone. Gives the names of what was measured, in order, and what is to fail."""
    seen = types.SimpleNamespace(calls=[], failing=set())
    before = dict(METRICS)
    METRICS.clear()

    def call(name, subject):
        seen.calls.append(f"{subject.name}: {name}")
        if name in seen.failing:
            raise RuntimeError("the matrix is\nsingular")

    @metric("maps")
    def mean_code(subject, *, scale=1.0):
        """The mean of the first dimension of the code."""
        call("mean_code", subject)
        detail = {"points": {"x": subject.codes[:50, :2].tolist()}}
        yield mean_measurement("mean_code", scale * subject.codes[:, 0], protocol="all examples", details=detail)

    @metric("clustering", Need.LABELS)
    def two_numbers(subject):
        """Two numbers."""
        call("two_numbers", subject)
        hits = np.arange(len(subject.labels)) % 4 < (1 if subject.name.startswith("half") else 3)
        yield fraction_measurement("accuracy", hits, better="higher", protocol="by <count>")
        yield Measurement("error", 2.0 * len(subject.name), unit="nats", better="lower", protocol="by name")

    @metric("likelihood", Need.MODEL)
    def of_models(subject):
        """One number of a model."""
        call("of_models", subject)
        yield Measurement("of_models", 7.0, unit="nats")

    @metric("samples")
    def refused(subject):
        """A metric that looks first."""
        raise NotApplicableError("refused needs pictures.")

    yield seen
    METRICS.clear()
    METRICS.update(before)


def flat(x):
    return x.reshape(len(x), -1)


def half(x):
    return x.reshape(len(x), -1)[:, ::2] / 2


@pytest.fixture
def data():
    """Examples [40, 4, 4, 1] and labels."""
    return np.random.default_rng(0).random((40, 4, 4, 1)).astype("float32"), np.arange(40) % 3


@pytest.fixture
def representations():
    return flat, half
