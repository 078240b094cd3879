import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(autouse=True)
def _fresh_state():
    """Weights of one test do not depend on the tests before it."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's handwritten digits: images [1797, 8, 8, 1] in [0, 1], and labels."""
    data = load_digits()
    return (data.images / 16).astype(np.float32)[..., np.newaxis], data.target.astype(np.int32)


def pytest_collection_modifyitems(items):
    """Files with slow tests come first: a long one at the end would leave the other processes with nothing to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
