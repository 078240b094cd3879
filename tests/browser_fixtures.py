"""Fixtures of the tests in a browser, which are skipped where a part is missing."""

import chromium
import pytest


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium."""
    if chromium.find() is None:
        pytest.skip("there is no Chromium")
    try:
        made = chromium.Chromium(tmp_path_factory.mktemp("chromium"))
    except (RuntimeError, OSError) as error:  # such as a stand-in that only says how to install it
        pytest.skip(f"{chromium.find()} does not start: {error}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def node_modules():
    """The folder with the JavaScript libraries of the page."""
    from keras_ae.explore.page import libraries  # imports TensorFlow

    try:
        return libraries.find()
    except FileNotFoundError as error:
        pytest.skip(str(error))
