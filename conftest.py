import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Most tests train for a few steps, and XLA's compiler would take most of their time: it is for those that ask."""
    os.environ["KERAS_AE_XLA"] = "1" if item.get_closest_marker("xla") else "0"
