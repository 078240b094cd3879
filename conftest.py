import importlib.util
import os

import pytest

# Modules that import Apache Beam, where the examples of docstrings run without it.
collect_ignore_glob = [] if importlib.util.find_spec("apache_beam") else ["keras_ae/beam/*"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Most tests train for a few steps, and XLA's compiler would take most of their time: it is for those that ask."""
    os.environ["KERAS_AE_XLA"] = "1" if item.get_closest_marker("xla") else "0"
