"""The page in a headless Chromium: what it computes, draws, says and asks for. Skipped where a part is missing."""

import base64
import csv
import io
import json

import browser_page
import numpy as np
import page_server
import pytest
from matplotlib.path import Path
from PIL import Image
from scipy.stats import chi2

import keras_ae as kae
from keras_ae.explore.interpolation import slerp
from keras_ae.explore.page.data import page_data
from keras_ae.networks import MLP

pytestmark = pytest.mark.slow

TOLERANCE = 2e-6  # float32, that of test_one_seed
CODE = 1e-4  # codes of the page have 16 bits


@pytest.fixture(scope="module")
def site(node_modules, browser, digits, asked_here, tmp_path_factory):
    """Pages in a folder: {name: (model, examples, condition)}, and the address."""
    folder, made = tmp_path_factory.mktemp("site"), {}
    rng = np.random.default_rng(0)

    def add(name, x, condition=None, labels=None, notes=None, names=(), **parts):
        model = kae.Autoencoder(MLP([16]), MLP([16]), condition=parts.pop("property", None), **parts)
        model.build((None, *x.shape[1:]))
        for weight in [] if model.prior_layer is None else model.prior_layer.trainable_weights:
            weight.assign(weight + rng.normal(scale=0.5, size=weight.shape))
        kae.explore.live(model, x, labels, condition, out=folder / name, notes=notes, names=names)
        made[name] = model, x, condition

    x, labels = digits[0][:300], digits[1][:300]
    slants = rng.normal(size=300).astype(np.float32)
    given = {"digit": kae.Categorical(10), "slant": kae.Continuous()}
    with pytest.MonkeyPatch.context() as patch:
        asked_here(patch)
        add("plain", x, labels={"digit": labels, "shade": x.mean(axis=(1, 2, 3))}, latent_dim=2)
        notes = {"slant": {"unit": "degrees", "range": [-5.0, 45.0]}}
        condition = {"digit": labels, "slant": slants}
        add("conditional", x, condition, notes=notes, latent_dim=5, property=given)
        curves = {"latent_dim": 3, "likelihood": "normal", "posterior": "deterministic", "prior": None}
        curves["objective"] = "reconstruction"
        add(
            "curves",
            (rng.normal(size=[30, 40, 2]) * [1, 100]).astype(np.float32),
            names=["left", "right (mm)"],
            **curves,
        )
        add(
            "table",
            (rng.normal(size=[30, 4]) * [1, 50, 1, 1]).astype(np.float32),
            names=["age", "height (cm)"],
            **curves,
        )
        add("volumes", rng.random([30, 5, 8, 8, 1], np.float32), latent_dim=2)
        add("mixture", x, latent_dim=3, prior=kae.latents.NormalMixture(4))
        prior = kae.latents.ConditionalNormal([])
        add("classes", x, labels, latent_dim=2, prior=prior, property=kae.Categorical(10))
    with page_server.serving(folder) as address:
        yield made, address, folder


@pytest.fixture
def pages(site, browser):
    """A function that opens a page of a name, and returns it with its model, examples and condition."""
    made, address, _ = site

    def open_page(name, **options):
        page = browser_page.Page(browser, f"{address}/{name}")
        page.open(**options)
        return page, *made[name]

    yield open_page
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setTouchEmulationEnabled", enabled=False)
    browser.call("Emulation.setEmulatedMedia", features=[])


def shown(page, model, z, condition=None):
    """Asserts that the decoded example, and its pixels, are those of a code."""
    expected = np.asarray(model.decode(np.float32([z]), condition))[0]
    found = np.reshape(page.run("return [...page.x];"), expected.shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * max(1, np.abs(expected).max()))
    code = "document.querySelector('#decoded canvas').getContext('2d').getImageData(0, 0, 8, 8).data"
    pixels = np.reshape(state(page, code), [8, 8, 4])
    assert np.abs(pixels[..., :3] - 255 * expected).max() <= 0.501  # rounded
    assert (pixels[..., 3] == 255).all()


def state(page, expression):
    return np.array(page.run(f"return [...{expression}];"), np.float64)


@pytest.mark.parametrize("name", ["plain", "conditional"])
def test_the_map_has_the_coordinates_of_python(pages, site, name):
    page, model, x, condition = pages(name)
    facts = json.loads((site[2] / name / "page.json").read_text())["plane"]
    expected = (model.encode(x, condition).numpy() - facts["center"]) @ np.transpose(facts["axes"])
    points = np.stack([state(page, "page.data.x"), state(page, "page.data.y")], axis=1)
    np.testing.assert_allclose(points, expected, rtol=0, atol=3 * CODE)  # a sum over dimensions


def spot(page, right, up):
    """A point of the map, in standard deviations of the points from their mean, and the size of a pixel there."""
    points = np.stack([state(page, "page.data.x"), state(page, "page.data.y")], axis=1)
    pixel = page.run("return (2 * page.map.view.half) / page.map.height;")
    return points.mean(axis=0) + points.std(axis=0) * [right, up], pixel


def test_the_code_under_the_pointer_is_decoded_until_a_click_keeps_it(pages):
    page, model, _, _ = pages("plain")
    for right, up in ((0.5, -1.0), (-1.0, 0.3)):
        point, pixel = spot(page, right, up)
        page.mouse("mouseMoved", page.place(point))
        z = state(page, "page.z")
        np.testing.assert_allclose(z, point, rtol=0, atol=pixel)
        shown(page, model, z)
    for kind in ("mousePressed", "mouseReleased"):
        page.mouse(kind, page.place(point), buttons=int(kind == "mousePressed"))
    page.mouse("mouseMoved", page.place(spot(page, 1.0, 1.0)[0]))
    np.testing.assert_allclose(state(page, "page.z"), z, rtol=0, atol=pixel)
    assert page.run("return $('follow').checked;") is False


def test_between_the_examples_the_other_components_are_at_their_mean(pages):
    page, model, *_ = pages("conditional")
    page.mouse("mouseMoved", page.place(spot(page, 0.5, -1.0)[0]))
    z, at = state(page, "page.z"), state(page, "page.at")
    facts = page.run("return page.facts.plane;")
    np.testing.assert_allclose(z, facts["center"] + at @ np.array(facts["axes"]), rtol=0, atol=1e-6)
    given = page.run("return page.properties.read();")
    shown(page, model, z, {name: [value] for name, value in given.items()})


def test_around_the_nearest_example_the_other_components_are_those_of_it(pages):
    page, *_ = pages("conditional")
    page.click("from-example")
    point, pixel = spot(page, 0.5, -1.0)
    page.mouse("mouseMoved", page.place(point))
    z, at = state(page, "page.z"), state(page, "page.at")
    np.testing.assert_allclose(at, point, rtol=0, atol=pixel)
    points = np.stack([state(page, "page.data.x"), state(page, "page.data.y")], axis=1)
    codes = np.reshape(state(page, "page.data.codes"), [300, 5])
    nearest = np.linalg.norm(points - at, axis=1).argmin()
    axes = np.array(page.run("return page.facts.plane.axes;"))
    np.testing.assert_allclose(z, codes[nearest] + (at - points[nearest]) @ axes, rtol=0, atol=1e-5)


def test_the_nearest_code_and_its_support_are_those_of_python(pages):
    page, model, x, condition = pages("conditional")
    codes = np.reshape(state(page, "page.data.codes"), [300, 5])
    np.testing.assert_allclose(codes, model.encode(x, condition), rtol=0, atol=CODE)
    for z in (codes[3] + 0.01, codes.mean(axis=0), 40 * np.ones(5)):
        found = page.run(f"await page.set({z.tolist()}); return page.nearest;")
        distance, support = kae.explore.code_support(np.float32([z]), codes.astype(np.float32))
        np.testing.assert_allclose(found["distance"], distance[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["support"], support[0], rtol=0, atol=1 / 300)  # a tie that is rounded
        assert found["index"] == np.linalg.norm(codes - z, axis=1).argmin()
        assert page.text("near").startswith("No training code near here") == (support[0] < 0.01)


def test_the_share_of_the_prior_that_is_farther_out(pages):
    page, *_ = pages("plain")
    for dim in (1, 2, 5, 16):
        for scale in (0.0, 0.3, 1.0, 3.0):
            z = [scale] * dim
            found = page.run(f"return (await import('./data.js')).fartherOut({z});")
            expected = chi2.sf(dim * scale**2, dim)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-7)  # that of its approximation of erfc
    page.run("await page.set([1, 1]);")
    assert page.text("at") == "Code (1.00, 1.00), 37% of the prior farther out"


def percents(share):
    return "less than 1%" if share < 0.01 else "more than 99%" if share > 0.99 else f"{int(100 * share + 0.5)}%"


def test_the_share_of_prior_samples_that_are_less_likely(pages):
    page, model, *_ = pages("mixture")
    log_probs = np.sort(model.prior().log_prob(model.prior().sample(20_000, seed=1)))
    (mixture,) = page.run("return page.facts.density.mixtures;")
    for z in np.float32([[0, 0, 0], [0.5, -1, 0.25], [1.5, 1.5, 1.5], [30, 30, 30]]):
        log_prob = float(model.prior().log_prob(z))
        module = f"const data = await import('./data.js'); const z = {z.tolist()};"
        mine = page.run(f"{module} return data.logProb(z, page.facts.density.mixtures[0]);")
        np.testing.assert_allclose(mine, log_prob, rtol=1e-5, atol=1e-5)
        share = page.run(f"{module} return data.lessLikely(z, page.facts.density.mixtures[0]);")
        np.testing.assert_allclose(share, np.mean(np.array(mixture["log_probs"]) < log_prob), rtol=0, atol=1 / 1000)
        np.testing.assert_allclose(share, np.mean(log_probs < log_prob), rtol=0, atol=0.065)  # four deviations
        page.run(f"await page.set({z.tolist()});")
        assert page.text("at").endswith(f"), {percents(share)} of prior samples less likely")


def test_the_share_follows_the_class(pages):
    page, model, *_ = pages("classes")
    prior = model.prior([3])
    z = (prior.mean() + prior.stddev()).numpy()[0]
    page.run(f"await page.set({z.tolist()});")
    shares = []
    for digit in (3, 8):
        page.set(property_condition=digit)
        log_probs = page.run(f"return page.facts.density.mixtures[{digit}].log_probs;")
        shares.append(np.mean(np.array(log_probs) < model.prior([digit]).log_prob(z)[0]))
        assert page.text("at").endswith(f"), {percents(shares[-1])} of prior samples less likely")
    np.testing.assert_allclose(shares[0], chi2.sf(2, 2), rtol=0, atol=0.065)  # four deviations
    assert shares[1] < 0.2


def test_an_unknown_density_is_said(pages):
    page, *_ = pages("mixture")
    page.run("page.facts.density = null; await page.set([1, 1, 1]);")  # as a flow's
    assert page.text("at") == "Code (1.00, 1.00, 1.00). The page does not know the density of this prior."
    page, *_ = pages("curves")  # without a prior
    page.run("await page.set([1, 1, 1]);")
    assert page.text("at") == "Code (1.00, 1.00, 1.00)"


def test_sliders_and_conditions_decode(pages):
    page, model, _, _ = pages("conditional")
    page.set(z_1=1.25, z_4=-0.5, property_digit=4, property_slant_0=12.5)
    z = state(page, "page.z")
    np.testing.assert_allclose(z[[1, 4]], [1.25, -0.5])
    shown(page, model, z, {"digit": [4], "slant": [12.5]})
    page.tab("conditions")
    names = page.run(
        "return [...document.querySelectorAll('#panel-conditions figcaption')].map((each) => each.textContent);"
    )
    assert names == [str(number) for number in range(10)] + ["-5", "3.33", "11.7", "20", "28.3", "36.7", "45"]
    first = page.run(
        "return [...document.querySelectorAll('#panel-conditions canvas')].slice(0, 10).map((c) =>"
        " [...c.getContext('2d').getImageData(0, 0, 8, 8).data].filter((_, i) => i % 4 === 0));"
    )
    expected = model.decode(np.float32([z] * 10), {"digit": np.arange(10), "slant": [12.5] * 10}).numpy()
    assert np.abs(np.reshape(first, [10, 8, 8, 1]) - 255 * expected).max() <= 0.501


def test_a_training_example_is_decoded_under_its_conditions(pages):
    page, model, _, condition = pages("conditional")
    page.run("await page.use(17);")
    given = page.run("return page.properties.read();")
    assert given["digit"] == condition["digit"][17]
    np.testing.assert_allclose(
        given["slant"], max(condition["slant"][17], -5.0), rtol=0, atol=1e-3
    )  # 16 bits; its range
    shown(page, model, state(page, "page.z"), {name: [value] for name, value in given.items()})
    np.testing.assert_allclose(state(page, "page.z"), state(page, "page.data.code(17)"), rtol=0, atol=0)


def test_samples_of_a_seed_are_those_of_keras(pages):
    page, model, _, _ = pages("conditional")
    page.set(property_digit=3, property_slant_0=7.5)
    page.tab("samples")
    for seed, count in ((7, 24), (2**31 - 1, 12)):
        page.set(seed=seed, count=count)
        found = np.reshape(page.run("return page.drawn.map((x) => [...x]);"), [count, 8, 8, 1])
        expected = model.sample(count, {"digit": 3, "slant": 7.5}, seed=seed)
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    page.set(seed="1.5")
    assert "The seed must be a whole number from 0 to 2147483647." in page.text("panel-samples")


def test_a_path_is_linear_or_spherical_and_saved(pages):
    page, model, _, _ = pages("plain")
    ends = np.float32([[1.0, 0.2], [-0.3, 0.9]])
    for name, z in zip("ab", ends, strict=True):
        page.run(f"await page.set({z.tolist()});")
        page.click(f"mark-{name}")
    page.set(t=0.25)
    np.testing.assert_allclose(state(page, "page.z"), ends[0] + 0.25 * (ends[1] - ends[0]), rtol=0, atol=1e-6)
    page.set(method="spherical")
    page.set(t=0.25)
    expected = slerp(ends[:1, np.newaxis], ends[1:, np.newaxis], np.float32([[0.25]]))[0, 0]
    np.testing.assert_allclose(state(page, "page.z"), expected, rtol=0, atol=1e-6)
    files = {}
    for kind in ("png", "gif"):
        page.click(kind)
        content = page.run("return [...new Uint8Array(await page.saved.arrayBuffer())];")
        files[kind] = Image.open(io.BytesIO(bytes(content)))
    assert files["png"].size[0] == 9 * files["png"].size[1] and files["gif"].n_frames == 46
    frame = np.asarray(files["gif"].convert("L"), np.float64)[14::28, 14::28]  # the middle of each pixel
    first = 255 * model.decode(ends[:1]).numpy()[0, ..., 0]
    assert np.abs(frame - first).max() <= 0.501  # rounded


def choose(page, file):
    root = page.browser.call("DOM.getDocument")["root"]["nodeId"]
    node = page.browser.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    page.browser.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])
    page.after_a_moment()


def test_an_image_is_encoded_reconstructed_and_scored(pages, tmp_path):
    page, model, x, _ = pages("plain")
    pixels = np.round(255 * x[5, ..., 0]).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    page.tab("yours")
    choose(page, tmp_path / "mine.png")
    found = page.run(
        "return Object.fromEntries(Object.entries(page.yours).map(([k, v]) => [k, v.length ? [...v] : v]));"
    )
    np.testing.assert_allclose(np.reshape(found["x"], x[5].shape), x[5], rtol=0, atol=0.51 / 255)  # bytes
    given = np.float32(found["x"]).reshape(1, 8, 8, 1)
    np.testing.assert_allclose(found["z"], model.encode(given)[0], rtol=0, atol=TOLERANCE)
    out = model.reconstruct(given).numpy()
    np.testing.assert_allclose(found["out"], out.ravel(), rtol=0, atol=TOLERANCE)
    error = np.mean(np.square(given - out))
    np.testing.assert_allclose(found["error"], error, rtol=1e-4)
    detector = page_data(model, x, {}, None).detector
    expected, step = detector.p_values(given)[0], 1 / (len(detector.calibration_) + 1)
    np.testing.assert_allclose(found["p"], expected, rtol=0, atol=1.5 * step)  # a tie
    np.testing.assert_allclose(state(page, "page.at"), found["z"], rtol=0, atol=1e-6)
    strange = np.round(255 * (1.0 - x[5]))
    Image.fromarray(strange[..., 0].astype(np.uint8)).save(tmp_path / "strange.png")
    choose(page, tmp_path / "strange.png")
    low = page.run("return page.yours.p;")
    np.testing.assert_allclose(low, detector.p_values(strange[np.newaxis] / 255)[0], rtol=0, atol=1.5 * step)
    assert low < 0.02 and page.text("score").startswith(f"p-value {low:.2g}: ")
    (tmp_path / "wrong.png").write_text("no image")
    choose(page, tmp_path / "wrong.png")
    assert page.text("message") == "wrong.png is no image that this browser can read."


def test_an_image_may_be_dropped(pages):
    page, _, x, _ = pages("plain")
    content = io.BytesIO()
    Image.fromarray(np.round(255 * x[7, ..., 0]).astype(np.uint8)).save(content, "PNG")
    page.run(f"""
        const files = new DataTransfer();
        files.items.add(new File([new Uint8Array({list(content.getvalue())})], "mine.png", {{ type: "image/png" }}));
        $("map").dispatchEvent(new DragEvent("drop", {{ dataTransfer: files, bubbles: true, cancelable: true }}));
    """)
    np.testing.assert_allclose(state(page, "page.yours.x"), x[7].ravel(), rtol=0, atol=0.51 / 255)  # bytes
    assert page.run("return $('tab-yours').ariaSelected;") == "true"


def test_a_lasso_selects_points_for_a_csv_file(pages):
    page, *_ = pages("plain")
    page.click("mode-lasso")
    points = np.stack([state(page, "page.data.x"), state(page, "page.data.y")], axis=1)
    middle, reach = np.median(points, axis=0), points.std(axis=0)
    corners = [middle + reach * side for side in np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])]
    page.mouse("mousePressed", page.place(corners[0]), buttons=1)
    for corner in corners[1:]:
        page.mouse("mouseMoved", page.place(corner), buttons=1)
    page.mouse("mouseReleased", page.place(corners[-1]))
    page.after_a_moment()
    selected = set(page.run("return page.selected;"))
    for scale, inside in ((0.97, True), (1.03, False)):  # a pixel of the edges
        area = Path([middle + (corner - middle) * scale for corner in corners])
        within = set(np.flatnonzero(area.contains_points(points)))
        assert within <= selected if inside else selected <= within
    assert selected
    rows = list(csv.DictReader(io.StringIO(page.run("return page.csv();"))))
    assert {int(row["row"]) for row in rows} == selected
    row = rows[0]
    np.testing.assert_allclose([float(row["x"]), float(row["y"])], points[int(row["row"])], rtol=0, atol=1e-6)
    assert row["digit"] in map(str, range(10)) and float(row["shade"]) > 0
    assert page.text("selected") == f"{len(selected)} of 300 points"


def test_a_filter_and_the_legend_hide_points(pages, digits):
    page, _, _, _ = pages("plain")
    labels, rows = digits[1][:300], np.arange(300)
    values = "return [...page.data.field('{}').values];"
    shades, p_values = (np.array(page.run(values.format(name))) for name in ("shade", "outlier p-value"))
    for text, wanted in (
        ("3", labels == 3),
        ("digit = 3", labels == 3),
        ("digit >= 8", labels >= 8),
        ("row = 17", rows == 17),
        ("row >= 5, row < 9, shade > 0", (rows >= 5) & (rows < 9)),
        ("shade = 0.3", abs(shades - 0.3) <= 0.05),
        ("outlier p-value < 0.1", p_values < 0.1),
    ):
        page.set(filter=text)
        assert page.run("return page.visible;") == np.flatnonzero(wanted).tolist(), text
    page.set(filter="digit = eleven")
    assert page.text("filter-hint") == "There is no class for the filter digit = eleven"
    page.set(filter="")
    page.run("$('legend').children[2].click();")
    assert page.run("return page.visible;") == np.flatnonzero(labels != 2).tolist()
    assert "points" in page.text("legend")


def test_the_address_keeps_the_view(pages):
    page, *_ = pages("conditional")
    page.set(property_digit=7, z_2=1.5)
    page.set(color="cluster", filter="cluster = 1")
    page.click("zoom-in")
    page.after_a_moment()
    before = page.run("return { hash: location.hash, view: page.map.view, z: [...page.z] };")
    page.open(hash=before["hash"])
    after = page.run(
        "return { view: page.map.view, z: [...page.z], color: $('color').value, filter: $('filter').value };"
    )
    np.testing.assert_allclose(after["z"], before["z"], rtol=1e-4, atol=1e-4)  # five digits
    assert after["view"] == pytest.approx(before["view"], rel=1e-3, abs=1e-3)
    assert (after["color"], after["filter"]) == ("cluster", "cluster = 1")
    assert page.run("return page.properties.read().digit;") == 7


def test_the_address_keeps_a_selection(pages):
    page, *_ = pages("plain")
    corners = np.round([spot(page, *side)[0] for side in ((-1, -1), (1, -1), (1, 1), (-1, 1))], 3).tolist()
    page.run("$('legend').children[2].click();")
    page.run(f"page.map.select({corners});")
    page.tab("selection")
    page.run("document.querySelector('#panel-selection button[aria-pressed]').click();")
    page.after_a_moment()
    before = page.run("return { hash: location.hash, selected: page.selected, visible: page.visible };")
    assert 10 < len(before["selected"]) < 290 and before["visible"] == before["selected"]
    page.open(hash=before["hash"])
    assert page.run("return { hash: location.hash, selected: page.selected, visible: page.visible };") == before
    assert page.run("return document.querySelector('#panel-selection button[aria-pressed]').ariaPressed;") == "true"
    assert page.run("return [...page.hidden];") == [2]


WITHOUT_WEBGL = """
    const before = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith("webgl") ? null : before.call(this, kind, ...rest);
    };
"""
MOVE = """
    const { x, y, half } = page.map.view;
    const [right, up, factor] = MOVEMENT;
    const end = { x: x + right * half, y: y + up * half, half: half * factor };
    page.moving = setInterval(() => page.map.look(end), 20);
    await new Promise((done) => setTimeout(done, 300));
    return [page.map.points.drawn, end];
"""


def picture_of_points(page):
    """The map on the screen without what is under and over its points: [height, width, 3] in device pixels."""
    page.run("[page.map.under, page.map.over, $('zoom')].forEach((each) => (each.style.visibility = 'hidden'));")
    box = page.run("""
        $("map").scrollIntoView({ block: "center" });
        const box = $("map").getBoundingClientRect();
        const [x, y] = [box.left + scrollX + $("map").clientLeft, box.top + scrollY + $("map").clientTop];
        return { x, y, width: page.map.width, height: page.map.height, scale: 1 };
    """)
    content = base64.b64decode(page.browser.call("Page.captureScreenshot", format="png", clip=box)["data"])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), np.float64)


@pytest.mark.parametrize("movement", [(0.2, -0.1, 1.0), (-0.3, 0.2, 0.8), (0.1, 0.1, 1.2), (0.9, 0.0, 1.0)], ids=str)
@pytest.mark.parametrize(("size", "script"), [("desktop", ""), ("phone", WITHOUT_WEBGL)], ids=["webgl", "canvas"])
def test_the_points_are_in_place_while_the_map_moves_and_sharp_after_it(pages, size, script, movement):
    page, model, x, _ = pages("plain", size=size, script=script)
    page.set(filter="row = 17")
    page.click("zoom-out")
    page.after_a_moment()
    code = model.encode(x[17:18]).numpy()[0]
    page.run(f"page.map.look({{ x: {code[0]}, y: {code[1]}, half: page.map.view.half }});")
    page.after_a_moment()
    drawn, view = page.run(MOVE.replace("MOVEMENT", json.dumps(movement)))
    assert (drawn != view) == (abs(movement[0]) < 0.5)  # farther than the margin of the canvas, it is drawn again
    moving = picture_of_points(page)
    page.run("clearInterval(page.moving);")
    page.after_a_moment()
    assert page.run("return page.map.points.drawn;") == view
    still = picture_of_points(page)
    height, width = still.shape[:2]
    inside = np.pad(np.ones([height - 20, width - 20]), 10)  # without the round border
    expected = (code - [view["x"], view["y"]]) * (height / 2 / view["half"]) * [1, -1] + [width / 2, height / 2]
    for picture in (moving, still):
        ink = np.abs(picture - np.median(picture, axis=(0, 1))).sum(axis=2) * inside
        found = [(ink * (axis + 0.5)).sum() / ink.sum() for axis in np.mgrid[:height, :width]]
        np.testing.assert_allclose(found[::-1], expected, rtol=0, atol=0.5)  # pixels
    page.run("page.map.resize();")  # draws the points anew
    page.after_a_moment()
    np.testing.assert_array_equal(picture_of_points(page), still)


def test_what_is_unusual_is_bright(pages):
    page, *_ = pages("plain")
    page.set(color="outlier p-value")
    p = np.array(page.run("return [...page.data.field('outlier p-value').values];"))
    share = np.log(p / p.max()) / np.log(p.min() / p.max())
    np.testing.assert_allclose(page.run("return page.map.index;"), 63 * share, rtol=0, atol=0.51)
    assert page.run("return page.map.palette[63];") == "#fde725"


def test_density_contours_are_lines(pages):
    page, *_ = pages("plain")
    drawn = "const c = document.querySelector('canvas.over'); const all = [0, 0, c.width, c.height];"
    drawn += "return c.getContext('2d').getImageData(...all).data.filter((v, i) => i % 4 === 3 && v > 0).length;"
    before = page.run(drawn)
    page.click("show-density")
    page.after_a_frame()
    assert page.run(drawn) > before + 500


def test_keys_move_the_pointer_and_mark_the_ends(pages):
    page, *_ = pages("plain")
    page.run("$('map').focus();")
    before = state(page, "page.at")
    page.browser.press("ArrowRight", 39), page.browser.press("ArrowUp", 38)
    page.settle()
    step = 0.04 * page.run("return page.map.view.half;")
    np.testing.assert_allclose(state(page, "page.at"), before + step, rtol=0, atol=1e-6)
    page.browser.press("a")
    page.settle()
    np.testing.assert_allclose(state(page, "page.ends.A"), before + step, rtol=0, atol=1e-6)


def test_a_finger_decodes_and_two_fingers_zoom(pages):
    page, model, _, _ = pages("plain", size="phone")
    point, pixel = spot(page, 0.5, -1.0)
    page.touch("touchStart", [page.place(spot(page, 1.0, 1.0)[0])])
    page.touch("touchMove", [page.place(point)])
    shown(page, model, state(page, "page.z"))
    np.testing.assert_allclose(state(page, "page.z"), point, rtol=0, atol=pixel)
    page.touch("touchEnd", [])
    half = page.run("return page.map.view.half;")
    x, y = page.place(spot(page, 0.0, 0.0)[0])
    page.touch("touchStart", [(x - 20, y), (x + 20, y)])
    page.touch("touchMove", [(x - 60, y), (x + 60, y)])
    page.touch("touchEnd", [])
    assert page.run("return page.map.view.half;") < 0.6 * half


def test_tables_have_names_and_numbers(pages):
    page, model, x, _ = pages("table")
    page.run("await page.set(page.data.code(3));")
    expected = model.decode(state(page, "page.z")[np.newaxis].astype(np.float32)).numpy()[0]
    cells = page.run(
        "return [...document.querySelectorAll('#decoded tr')].map((row) => [...row.cells].map((c) => c.textContent));"
    )
    assert [row[0] for row in cells] == ["age", "height (cm)", "column 2", "column 3"]
    np.testing.assert_allclose([float(row[2]) for row in cells], expected, rtol=6e-3)  # three digits
    widths = state(page, "[...document.querySelectorAll('#decoded .bar')].map((bar) => parseFloat(bar.style.width))")
    low, high = np.minimum(x.min(axis=0), 0), np.maximum(x.max(axis=0), 0)
    shares = 100 * np.abs(np.clip(expected, low, high)) / (high - low)
    np.testing.assert_allclose(widths, np.maximum(shares, 0.5), rtol=1e-3)
    assert "Each column has its own scale." in page.text("decoded")
    page.tab("yours")
    page.set(numbers=", ".join(map(str, x[4].tolist())))
    page.run("document.querySelector('#panel-yours button').click();")
    np.testing.assert_allclose(state(page, "page.yours.z"), model.encode(x[4:5])[0], rtol=0, atol=1e-5)


def test_volumes_have_their_middle_slice(pages):
    page, model, x, _ = pages("volumes")
    assert "30 volumes, whose middle slice is shown" in page.text("lead")
    page.run("await page.set(page.data.code(3));")
    expected = model.decode(state(page, "page.z")[np.newaxis].astype(np.float32)).numpy()[0, 2]
    code = "document.querySelector('#decoded canvas').getContext('2d').getImageData(0, 0, 8, 8).data"
    assert np.abs(np.reshape(state(page, code), [8, 8, 4])[..., :3] - 255 * expected).max() <= 0.501  # rounded
    page.tab("yours")
    page.run("document.querySelector('#panel-yours button').click();")
    np.testing.assert_allclose(state(page, "page.yours.z"), model.encode(x[:1])[0], rtol=0, atol=0.01)  # bytes


def test_sequences_are_curves_with_names(pages):
    page, model, x, _ = pages("curves")
    assert page.run("return [...document.querySelectorAll('#decoded .u-label')].map((each) => each.textContent);") == [
        "left",
        "right (mm)",
    ]
    ends = (
        "Object.entries(page.viewer.plot.scales).filter(([name]) => /y[0-9]/.test(name)).map(([, s]) => [s.min, s.max])"
    )
    np.testing.assert_allclose(page.run(f"return {ends};"), np.stack([x.min(axis=(0, 1)), x.max(axis=(0, 1))], axis=-1))
    assert "Each channel has its own scale." in page.text("decoded")
    found = np.array(page.run("return page.viewer.plot.data.slice(1).map((each) => [...each]);")).T
    expected = model.decode(state(page, "page.z")[np.newaxis].astype(np.float32)).numpy()[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert page.run("return Boolean(document.getElementById('tab-samples'));") is False  # there is no prior


@pytest.mark.parametrize("name", ["plain", "conditional", "curves", "table"])
@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_all_can_use_it_and_nothing_leaves(pages, node_modules, name, size, scheme):
    page, *_ = pages(name, size=size, scheme=scheme)
    axe = node_modules / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip(f"axe-core is not in {node_modules}")
    page.browser.evaluate(axe.read_text() + "; 0")
    for tool in page.run("return [...document.querySelectorAll('[role=tab]')].map((tab) => tab.id.slice(4));"):
        page.tab(tool)
        page.after_a_moment()
        found = page.run(
            "return (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]);"
        )
        assert not found, (tool, found)
        assert page.run("return document.documentElement.scrollWidth;") <= browser_page.SIZES[size][0], tool
    requests = page.browser.requests()
    assert any(request.endswith(".wasm") for request in requests)
    allowed = (f"{page.address}/", "data:", "blob:")
    assert all(request.startswith(allowed) for request in requests if request != "about:blank"), requests
    assert not page.problems()
    elsewhere = page.address.replace("127.0.0.1", "localhost")  # the same server by another name is another origin
    ask = f"fetch('{elsewhere}/index.html', {{ mode: 'no-cors' }}).then(() => 'answered', (error) => error.name)"
    assert page.browser.evaluate(ask) == "TypeError"  # the policy forbids it


def test_without_webgl_fewer_points_are_on_a_canvas(pages):
    page, model, _, _ = pages("plain", script=WITHOUT_WEBGL)
    assert page.run("return page.map.points.constructor.name;") == "CanvasPoints"
    code = "const c = document.querySelector('canvas.points'); const all = [0, 0, c.width, c.height];"
    assert page.run(f"{code} return c.getContext('2d').getImageData(...all).data.some(Boolean);")
    page.mouse("mouseMoved", page.place(spot(page, 0.5, -1.0)[0]))
    shown(page, model, state(page, "page.z"))


def test_without_webassembly_a_sentence_says_so(pages):
    page, *_ = pages("plain", script="delete window.WebAssembly;")
    assert page.text("message").startswith("This browser has no WebAssembly, which runs the model")
    assert page.run("return $('message').role;") == "alert"


def test_the_first_picture_is_quick_and_the_folder_small(pages, site):
    times = []
    for _ in range(3):  # other processes delay some
        page, *_ = pages("plain")
        times.append(page.run("return performance.getEntriesByName('first-picture')[0].startTime;"))
    assert min(times) < 2000  # milliseconds; 300 to 700 on two quiet cores
    size = sum(path.stat().st_size for path in (site[2] / "plain").rglob("*") if path.is_file())
    assert size < 15e6
    facts = json.loads((site[2] / "plain" / "page.json").read_text())
    assert facts["num"] == 300 and facts["model"] == "Autoencoder"
