"""Measures a page that `keras-ae explore RUN --live FOLDER` wrote, in a headless Chromium, and takes its picture.

    keras-ae train vae --dataset mnist --set latent_dim=2 --epochs 2 --out runs/plane
    keras-ae explore runs/plane --live page
    python benchmarks/page.py page --pictures docs/images

Prints the size of the folder; the time from a cold start to the first decoded picture, the median of five loads without
a cache, from 127.0.0.1; frames a second while the map moves; and decoded codes a second while the pointer moves.
"""

import argparse
import base64
import pathlib
import statistics
import sys
import tempfile

from side_by_side.machine import cores, machine

ROOT = pathlib.Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))

LOADS, SECONDS = 5, 3
# `step` is called in each frame.
FRAMES = """
const begin = performance.now();
let frames = 0;
while (performance.now() - begin < %d) {
    await new Promise(requestAnimationFrame);
    await step(frames++ / 20);
}
return (1000 * frames) / (performance.now() - begin);
"""
MOVE = "const { view } = page.map; const step = (t) => page.map.look({ ...view, x: view.x + Math.sin(t) * view.half });"
POINT = """
const { x, y, half } = page.map.view;
const step = (t) => {
    const at = [x + (Math.sin(t) * half) / 2, y + (Math.cos(t) * half) / 2];
    return page.set(page.plane.code(at), { at, pinned: false });
};
"""


def first_picture(page):
    """Milliseconds from the start of a load without a cache to the first decoded picture."""
    page.browser.call("Network.setCacheDisabled", cacheDisabled=True)
    page.open()
    return page.run("return performance.getEntriesByName('first-picture')[0].startTime;")


def take_pictures(page, folder):
    for size, scheme in (("desktop", "light"), ("phone", "dark")):
        page.open(size=size, scheme=scheme)
        page.run("await page.set(page.data.code(1));")
        page.after_a_moment()
        content = page.browser.call("Page.captureScreenshot", format="jpeg", quality=88)["data"]
        (folder / f"page_{size}.jpg").write_bytes(base64.b64decode(content))


def main():
    import browser_page
    import chromium
    import page_server

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="the page")
    parser.add_argument("--pictures", type=pathlib.Path, help="folder for page_desktop.jpg and page_phone.jpg")
    given = parser.parse_args()
    sizes = [path.stat().st_size for path in given.folder.rglob("*") if path.is_file()]
    print(f"folder         {sum(sizes) / 1e6:.1f} MB in {len(sizes)} files")
    with tempfile.TemporaryDirectory() as profile, page_server.serving(given.folder) as address:
        browser = chromium.Chromium(pathlib.Path(profile))
        try:
            page = browser_page.Page(browser, address)
            times = [first_picture(page) for _ in range(LOADS)]
            print(f"first picture  {statistics.median(times):.0f} ms, from {min(times):.0f} to {max(times):.0f}")
            for name, step in (("map", MOVE), ("pointer", POINT)):
                print(f"{name:14} {page.run(step + FRAMES % (1000 * SECONDS)):.0f} frames/s")
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
