"""Measures a page that `keras-ae explore RUN --live` wrote, in a headless Chromium, and takes its picture.

    keras-ae train vae --dataset mnist --set latent_dim=2 --epochs 2 --out runs/plane
    keras-ae explore runs/plane --live --out page
    python benchmarks/page.py page

    keras-ae train vae --dataset strokes --split "train[:20000]" --set latent_dim=2 --epochs 15 --out runs/strokes
    keras-ae explore runs/strokes --live --out strokes
    python benchmarks/page.py strokes --pictures docs/images

Prints the size of the folder; the time from a cold start until the first decoded picture is on the screen, the median
of five loads without a cache, from 127.0.0.1; and frames a second on the screen, with the longest time between
two: while the map, at half of its size, moves in a circle, at its own height a second; while it zooms to a quarter of
its size and back in three seconds; and while the pointer moves, with a decoded code in each frame. Times and frames are
from the browser's own trace (the domain Tracing of the DevTools protocol).
"""

import argparse
import base64
import io
import itertools
import pathlib
import statistics
import sys
import tempfile

from PIL import Image
from side_by_side.machine import cores, machine

ROOT = pathlib.Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))

LOADS, SECONDS, COLORS = 5, 6, 128
CATEGORIES = ["blink.user_timing", "viz"]
# `step` is called in each frame with the seconds since the first.
FRAMES = """
performance.mark("begin");
const begin = performance.now();
for (let time = 0; time < %d; time = (performance.now() - begin) / 1000) {
    await new Promise(requestAnimationFrame);
    await step(time);
}
performance.mark("end");
"""
PAN = """
page.map.zoom(0.5);
const { view } = page.map;
const step = (t) => {
    const [x, y] = [Math.sin(2 * t), Math.cos(2 * t)].map((value) => value * view.half);
    page.map.look({ ...view, x: view.x + x, y: view.y + y });
};
"""
ZOOM = """
page.map.reset();
const { view } = page.map;
const step = (t) => page.map.look({ ...view, half: view.half * 4 ** ((Math.cos(2 * t) - 1) / 2) });
"""
POINT = """
page.map.reset();
const { x, y, half } = page.map.view;
const step = (t) => {
    const at = [x + (Math.sin(2 * t) * half) / 2, y + (Math.cos(2 * t) * half) / 2];
    return page.set(page.plane.code(at), { at, pinned: false });
};
"""


def times_of(events, name):
    """The times of events of a trace, in milliseconds."""
    return sorted(event["ts"] / 1000 for event in events if event["name"] == name and event["ph"] not in "eE")


def on_the_screen(events):
    return times_of(events, "Graphics.Pipeline.DrawAndSwap")


def first_picture(page):
    """Milliseconds from the start of a load without a cache until the first decoded picture is on the screen."""
    page.browser.call("Network.setCacheDisabled", cacheDisabled=True)
    events = page.browser.trace(page.open, CATEGORIES)
    (decoded,) = times_of(events, "first-picture")
    begin = max(time for time in times_of(events, "navigationStart") if time < decoded)
    return min(time for time in on_the_screen(events) if time > decoded) - begin


def frames(page, step):
    """Frames a second on the screen while `step` is called in each, and the longest milliseconds between two."""
    events = page.browser.trace(lambda: page.run(step + FRAMES % SECONDS), CATEGORIES)
    (begin,), (end,) = times_of(events, "begin"), times_of(events, "end")
    shown = [time for time in on_the_screen(events) if begin < time <= end]
    longest = max(after - before for before, after in itertools.pairwise([begin, *shown, end]))
    return 1000 * len(shown) / (end - begin), longest


def take_pictures(page, folder):
    for size, scheme in (("desktop", "light"), ("phone", "dark")):
        page.open(size=size, scheme=scheme)
        page.run("await page.set(page.data.code(1)); $('show-density').click();")
        page.after_a_moment()
        content = base64.b64decode(page.browser.call("Page.captureScreenshot", format="png")["data"])
        with Image.open(io.BytesIO(content)) as image:
            image.convert("RGB").quantize(COLORS).save(folder / f"page_{size}.png", optimize=True)


def main():
    import browser_page
    import chromium
    import page_server

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the page")
    parser.add_argument("--pictures", type=pathlib.Path, help="folder for page_desktop.png and page_phone.png")
    given = parser.parse_args()
    sizes = [path.stat().st_size for path in given.folder.rglob("*") if path.is_file()]
    print(f"folder         {sum(sizes) / 1e6:.1f} MB in {len(sizes)} files")
    with tempfile.TemporaryDirectory() as profile, page_server.serving(given.folder) as address:
        browser = chromium.Chromium(pathlib.Path(profile), threads=True)
        try:
            page = browser_page.Page(browser, address)
            times = [first_picture(page) for _ in range(LOADS)]
            print(f"first picture  {statistics.median(times):.0f} ms, from {min(times):.0f} to {max(times):.0f}")
            print(f"points         {page.run('return page.map.points.shown;'):,}")
            for name, step in (("map moves", PAN), ("map zooms", ZOOM), ("pointer moves", POINT)):
                rate, longest = frames(page, step)
                print(f"{name:14} {rate:.0f} frames/s, at most {longest:.0f} ms between two")
            print(f"drawn by       {page.run(RENDERER)}")
            if given.pictures:
                take_pictures(page, given.pictures)
        finally:
            browser.close()
    print(f"machine        {cores()} cores of {machine(cores())['processor']}")


RENDERER = """
const context = document.createElement("canvas").getContext("webgl");
const names = context?.getExtension("WEBGL_debug_renderer_info");
return context ? context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER) : "canvas";
"""

if __name__ == "__main__":
    main()
