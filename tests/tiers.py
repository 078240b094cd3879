"""The short run and the run with the slow tests: see CONTRIBUTING.md."""

import pytest


def first(num, values):
    """Values for `parametrize`: the first are in the short run, the others in the run with the slow tests alone."""
    several = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*value, marks=pytest.mark.slow if i >= num else ()) for i, value in enumerate(several)]
