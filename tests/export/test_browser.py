"""exports/browser in a headless Chromium: what the page draws, says and asks for. Skipped where a part is missing."""

import pathlib
import re

import numpy as np
import pytest
from browser_page import TOLERANCE, luminance

import keras_ae as kae

PAGE = pathlib.Path(kae.__file__).parent.parent / "exports" / "browser"
LETTERS = list("abcdefghij")


def test_every_class_in_turn_is_what_opens(page, gray):
    page.open("?decoder=gray.tflite")
    labels = np.arange(30) % 10
    page.check("pictures", gray.sample(30, labels, seed=7))
    page.check("decoded", gray.decode(np.zeros([10, 4], np.float32), np.arange(10)))
    captions = page.browser.evaluate("[...document.querySelectorAll('#pictures figcaption')].map((c) => c.textContent)")
    assert captions == LETTERS * 3
    assert page.text("#facts").startswith("Autoencoder, 8 \u00d7 8 pixels, ")


def test_a_seed_and_a_class_draw_the_pictures_of_keras(page, gray):
    page.open("?decoder=gray.tflite")
    for seed, label, num in ((0, 3, 10), (123456789, 9, 1), (2**31 - 1, 0, 100)):
        page.set(seed=str(seed), property_condition=str(label), num=str(num))
        page.check("pictures", gray.sample(num, label, seed=seed))
        page.check("decoded", gray.decode(np.zeros([1, 4], np.float32), [label]))


def test_another_seed_is_drawn_at_once(page, gray):
    page.open("?decoder=gray.tflite")
    seeds = []
    for _ in range(2):
        page.browser.evaluate("document.getElementById('another').click()")
        page.settle()
        seeds.append(int(page.browser.evaluate("document.getElementById('seed').value")))
        page.check("pictures", gray.sample(30, np.arange(30) % 10, seed=seeds[-1]))
    assert len({7, *seeds}) == 3 and all(0 <= seed < 2**31 for seed in seeds)


def test_a_code_is_drawn_and_goes_back_to_zero(page, gray):
    page.open("?decoder=gray.tflite")
    page.set(property_condition="4", z_0="-1.5", z_2="3")
    page.check("decoded", gray.decode(np.float32([[-1.5, 0, 3, 0]]), [4]))
    page.browser.evaluate("document.getElementById('zero').click()")
    page.settle()
    page.check("decoded", gray.decode(np.zeros([1, 4], np.float32), [4]))


def test_sliders_of_properties_have_their_ranges_and_units(page, colored):
    page.open("?decoder=colored.tflite")
    page.set(seed="11", property_digit="2", property_slant_0="12.5", property_place_1="4.25", num="10")
    middle = 10.0  # of `place`, where the sliders begin: the mean of the training
    condition = {"digit": [2] * 10, "slant": [12.5] * 10, "place": [[middle, 4.25]] * 10}
    page.check("pictures", colored.sample(10, condition, seed=11))
    sliders = page.browser.evaluate("""Object.fromEntries([...document.querySelectorAll("#properties input")].map(
        (input) => [input.labels[0].textContent, [Number(input.min), Number(input.max), input.ariaValueText]]))""")
    assert sliders["slant"] == [-5.0, 45.0, "12.5"]
    parts = page.browser.evaluate(
        "[...document.getElementById('property-slant-0-range').children].map((p) => p.textContent)"
    )
    assert parts == ["-5", "degrees", "45"]
    reach = 2 * np.std([0, 10, 20])
    np.testing.assert_allclose(sliders["place 1"][:2], [10 - reach, 10 + reach], rtol=1e-5)
    assert sliders["place 2"][2] == "4.25"


def test_a_decoder_without_prior_draws_from_codes_only(page, small, site):
    model = small(posterior="deterministic", prior=None, objective="reconstruction", likelihood="normal")
    kae.export.litert(model, site[0] / "plain.tflite")
    page.open("?decoder=plain.tflite")
    assert "It only decodes codes: The model has no prior to sample from." in page.text("#facts")
    shown = page.browser.evaluate("[...document.querySelectorAll('input, select')].filter((e) => e.checkVisibility())")
    assert len(shown) == 1 + 4  # the file, and the code
    page.set(z_1="2")
    expected = np.asarray(model.decode(np.float32([[0, 2, 0, 0]])))
    found = page.numbers("decoded", (8, 8, 1))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())
    scaled = 255 * (expected - expected.min()) / (expected.max() - expected.min())  # no range: from black to white
    assert np.abs(page.pixels("decoded", (8, 8))[..., :3] - scaled).max() <= 0.51


def test_what_the_file_says_of_itself_is_read(page, gray, colored, site):
    page.open("?decoder=gray.tflite")
    for name in ("gray.tflite", "colored.tflite"):
        found = page.browser.evaluate(f"""(async () => {{
            const {{ readMetadata }} = await import("./decoder.js");
            return readMetadata(new Uint8Array(await (await fetch("{name}")).arrayBuffer()));
        }})()""")
        assert found == kae.export.litert_metadata(site[0] / name)


def test_the_example_of_the_readme_draws(page, gray):
    page.open("?decoder=gray.tflite")
    (code,) = re.findall(r"```js\n(.*?)```", (PAGE / "README.md").read_text(), re.DOTALL)
    code = code.replace('import { Decoder } from "./decoder.js";', 'const { Decoder } = await import("./decoder.js");')
    code = code.replace("decoder.tflite", "gray.tflite")
    found = page.browser.evaluate(f"(async () => {{ {code}; return [first, second, mean].map((x) => [...x]); }})()")
    expected = [*gray.sample(2, [3, 8], seed=7), *gray.decode(np.float32([[0.5, -1, 0, 2]]), [3])]
    np.testing.assert_allclose(np.reshape(found, [3, 8, 8, 1]), expected, rtol=0, atol=TOLERANCE)


def test_nobody_else_is_asked(page, gray):
    page.open("?decoder=gray.tflite")
    requests = page.browser.requests()
    assert any(request.endswith(".wasm") for request in requests)
    assert all(request.startswith((f"{page.address}/", "data:", "blob:")) for request in requests), requests
    elsewhere = page.address.replace("127.0.0.1", "localhost")  # the same server by another name is another origin
    page.open(f"?decoder={elsewhere}/gray.tflite")
    assert page.said().startswith(f"The decoder must come from {page.address}. Received: http://localhost")
    ask = f"fetch('{elsewhere}/index.html', {{ mode: 'no-cors' }}).then(() => 'answered', (error) => error.name)"
    assert page.browser.evaluate(ask) == "TypeError"  # the browser was forbidden to


def test_without_the_packages_the_page_says_what_to_run(page, site):
    (site[0] / "bare").mkdir()
    for name in ("index.html", "page.js", "decoder.js", "style.css"):
        (site[0] / "bare" / name).symlink_to(PAGE / name)
    page.open(place="/bare")
    assert page.said().startswith("LiteRT.js is not here. Run npm install in the folder of this page.")


def test_controls_and_pictures_have_names_and_keys(page, colored):
    page.open("?decoder=colored.tflite")
    nodes = page.browser.call("Accessibility.getFullAXTree")["nodes"]
    names = {}
    for node in nodes:
        if not node["ignored"]:
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert names["spinbutton"] == ["Seed"]
    assert sorted(names["combobox"]) == ["Digit", "Pictures"]
    assert sorted(names["slider"]) == ["Place 1", "Place 2", "Slant", "z 1", "z 2", "z 3", "z 4"]
    assert {"Open a .tflite file", "Another seed", "All zero"} <= set(names["button"])
    assert len(names["image"]) == 30 + 3 and names["image"][1] == "Picture 1: 1"
    page.browser.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(12):
        page.browser.press("Tab", 9)
        reached.append(page.browser.evaluate("document.activeElement.id"))
    wanted = "file seed another property-digit property-place-0 property-place-1 property-slant-0 num z-0 z-1 z-2 z-3"
    assert reached == wanted.split()
    page.browser.press("ArrowRight", 39)
    page.settle()
    code = float(page.browser.evaluate("document.getElementById('z-3').value"))
    assert 0 < code < 1
    condition = {"digit": np.arange(3), "slant": [20.0] * 3, "place": [[10.0, 3.0]] * 3}
    page.check("decoded", colored.decode(np.float32([[0, 0, 0, code]] * 3), condition))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_a_phone_in_light_and_dark(page, colored, scheme):
    browser = page.browser
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    try:
        page.open("?decoder=colored.tflite")
        assert browser.evaluate("document.documentElement.scrollWidth") == 320  # nothing sticks out
        assert (
            browser.evaluate(
                "Math.min(...[...document.querySelectorAll('#pictures canvas')].map((c) => c.clientWidth))"
            )
            > 40
        )
        assert browser.evaluate("getComputedStyle(document.querySelector('canvas')).imageRendering") == "pixelated"
        page.set(seed="")
        for selector in (
            "h1",
            "header p",
            "label",
            "output",
            "#facts",
            ".range",
            "#another",
            ".button",
            "[role=alert]",
        ):
            assert page.contrast(selector) >= 4.5, selector  # WCAG 2.2, AA
        ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(ground) > 0.5) == (scheme == "light")
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")
        browser.call("Emulation.setEmulatedMedia", features=[])
