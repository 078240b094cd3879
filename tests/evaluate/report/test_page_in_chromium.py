"""The page in a headless browser: on a desktop and on a phone, light and dark, and in print."""

import pytest
from report_page import check, show

from keras_ae.evaluate import report

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("num", [1, 9])
def test_the_page_fits_and_asks_for_nothing(browser, cheap, data, tmp_path, num):
    models = {f"AVeryLongNameOfAModel{k}": lambda x, k=k: (k + 1) * x.reshape(len(x), -1) for k in range(1, num)}
    cheap.failing.add("of_models")
    report(lambda x: x.reshape(len(x), -1), *data, against=models, out=tmp_path, verbose=False, data="noise")
    path = tmp_path / "index.html"
    check(browser, path)
    assert browser.evaluate("document.querySelectorAll('figure svg').length") == num


def test_real_numbers_are_in_the_tree_that_screen_readers_read(browser, cheap, data, tmp_path):
    def half(x):
        return x.reshape(len(x), -1) / 2

    report(lambda x: x.reshape(len(x), -1), *data, against=[half], out=tmp_path, verbose=False)
    show(browser, tmp_path / "index.html", "phone", "light")
    browser.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes}
    assert ("heading", "Side by side") in named and ("rowheader", "half") in named
    assert ("region", "Side by side") in named and ("main", "") in named
    roles = [role for role, _ in named]
    assert "table" in roles and "image" in roles
    assert ("navigation", "Sections") in named and ("cell", "0.75 best") in named
