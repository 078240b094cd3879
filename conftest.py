import functools

import pytest


@functools.cache
def _default_jit():
    from keras_ae.training import train_function as stepping

    return stepping.default_jit


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Most tests train for a few steps, and XLA's compiler would take most of their time: it is for those that ask."""
    from keras_ae.training import (
        train_function as stepping,  # here: the process that hands out the tests does without TensorFlow
    )

    default = _default_jit()
    stepping.default_jit = default if item.get_closest_marker("xla") else lambda model: False
