import json
import re

import numpy as np

TOLERANCE = 2e-6  # float32, that of test_one_seed


class Page:
    """The page, as a test sees it."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, query="", place=""):
        self.browser.open(f"{self.address}{place}/index.html{query}")
        self.settle()

    def settle(self):
        self.browser.wait("document.body.ariaBusy === 'false'")

    def set(self, **values):
        """Sets controls by their ids, with - for _, as a user does."""
        for name, value in values.items():
            self.browser.evaluate(f"""{{
                const control = document.getElementById({json.dumps(name.replace("_", "-"))});
                control.value = {json.dumps(value)};
                control.dispatchEvent(new Event("input", {{ bubbles: true }}));
            }}""")
        self.settle()

    def choose(self, file):
        """Gives a file to the chooser."""
        root = self.browser.call("DOM.getDocument")["root"]["nodeId"]
        node = self.browser.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        changed = (
            "document.getElementById('file').addEventListener('change', () => (window.changed = true), { once: true })"
        )
        self.browser.evaluate(f"window.changed = false; {changed}")
        self.browser.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])
        self.browser.wait("window.changed")
        self.settle()

    def numbers(self, name, shape):
        """The numbers behind the canvases: [N, *shape]."""
        found = self.browser.evaluate(f"import('./page.js').then(({{ drawn }}) => drawn.{name}.map((x) => [...x]))")
        return np.float32(found).reshape([-1, *shape])

    def pixels(self, name, shape):
        """What the canvases show: RGBA [N, height, width, 4]."""
        code = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
        found = self.browser.evaluate(f"[...document.querySelectorAll('#{name} canvas')].map({code})")
        return np.reshape(found, [-1, *shape[:2], 4])

    def check(self, name, expected):
        """Numbers and canvases are those of a model."""
        expected = np.asarray(expected)
        found = self.numbers(name, expected.shape[1:])
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
        pixels = self.pixels(name, expected.shape[1:])
        assert np.abs(pixels[..., :3] - 255 * expected).max() <= 0.501  # rounded; gray is broadcast to three channels
        assert (pixels[..., 3] == 255).all()

    def said(self):
        """The sentence of an error, and nothing drawn beside it."""
        assert self.browser.evaluate("document.querySelectorAll('canvas').length") == 0
        return self.browser.evaluate("document.querySelector('[role=alert]:not([hidden])').textContent")

    def text(self, selector):
        return self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def contrast(self, selector):
        """The contrast of a text and what is behind it, by WCAG."""
        colors = self.browser.evaluate(f"""(() => {{
            let part = document.querySelector({json.dumps(selector)});
            const {{ color }} = getComputedStyle(part);
            while (getComputedStyle(part).backgroundColor === "rgba(0, 0, 0, 0)") part = part.parentElement;
            return [color, getComputedStyle(part).backgroundColor];
        }})()""")
        low, high = sorted(map(luminance, colors))
        return (high + 0.05) / (low + 0.05)


def luminance(color):
    values = np.array([int(value) for value in re.findall(r"\d+", color)[:3]]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
