"""The short run and the run with the slow tests: see CONTRIBUTING.md."""

import pytest


def first(num, values):
    """Values for `parametrize`: the first are in the short run, the others in the run with the slow tests alone."""
    return [pytest.param(*each, marks=pytest.mark.slow if i >= num else ()) for i, each in enumerate(_tuples(values))]


def checkered(ones, others):
    """All pairs for `parametrize`; in the short run, each value of the one is with every second of the other."""
    return [
        pytest.param(one, other, marks=pytest.mark.slow if (i + j) % 2 else ())
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
    ]


def every_second(values):
    """Values for `parametrize`: every second one is in the short run, all are in the run with the slow tests."""
    return [pytest.param(*each, marks=pytest.mark.slow if i % 2 else ()) for i, each in enumerate(_tuples(values))]


def _tuples(values):
    return [value if isinstance(value, tuple) else (value,) for value in values]
