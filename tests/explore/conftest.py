import browser_fixtures
import numpy as np
import pytest
from linear_vae import linear_vae

browser, node_modules = browser_fixtures.browser, browser_fixtures.node_modules


@pytest.fixture(scope="module")
def vae(digits):
    return linear_vae(digits[0][:600])


@pytest.fixture(scope="module")
def cvae(digits):
    x, labels = digits
    return linear_vae(x[:600], labels=labels[:600], slant=np.linspace(-1, 1, 600).astype(np.float32))
