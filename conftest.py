import pytest

from keras_ae.training import stepping

_default_jit = stepping.default_jit


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Most tests train for a few steps, and XLA's compiler would take most of their time: it is for those that ask."""
    stepping.default_jit = _default_jit if item.get_closest_marker("xla") else lambda model: False
