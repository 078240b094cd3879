"""The short run and the run with the slow tests: see CONTRIBUTING.md."""

import pytest


def first(num, values):
    """Values for `parametrize`: the first are in the short run, the others in the run with the slow tests alone."""
    several = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*value, marks=pytest.mark.slow if i >= num else ()) for i, value in enumerate(several)]


def checkered(ones, others):
    """All pairs for `parametrize`; in the short run, each value of the one is with every second of the other."""
    return [
        pytest.param(one, other, marks=pytest.mark.slow if (i + j) % 2 else ())
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
    ]
