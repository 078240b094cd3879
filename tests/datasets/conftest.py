"""Fixtures for data: MNIST where it is there, and folders of small images."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def mnist():
    """The name "mnist", or a skip where TFDS does not have it."""
    from keras_ae import datasets

    try:
        datasets.info("mnist", download=False)
    except FileNotFoundError:
        pytest.skip("TFDS has no MNIST here; set TFDS_DATA_DIR to a folder that has")
    return "mnist"


@pytest.fixture
def class_folder(tmp_path):
    """A folder with the class folders `cat` (3 images) and `dog` (2); image k is filled with the gray 10 k."""
    for number, label in enumerate(["cat", "cat", "cat", "dog", "dog"]):
        (tmp_path / label).mkdir(exist_ok=True)
        Image.fromarray(np.full((6, 4), 10 * number, np.uint8)).save(tmp_path / label / f"{number}.png")
    return tmp_path
