"""The JavaScript libraries of the page: in the wheel, or downloaded by npm into the cache; a page gets a copy.

`static/package-lock.json` names their versions and hashes. When setup.py builds the package, it loads this file alone,
and puts the libraries into the wheel if they are available.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

STATIC = pathlib.Path(__file__).parent / "static"
COMMAND = "keras-ae explore --install-page"
BUNDLE = pathlib.Path(__file__).parent / "bundle"  # only in a wheel
_LICENSES = "LICENSES.txt"
_LOCK = ("package.json", "package-lock.json")
# The build of LiteRT.js that every browser with WebAssembly runs; the others are 9 MB each, too.
_FILES = {
    "litert.js": "@litertjs/core/dist/index.js",
    "litert-utils.js": "@litertjs/wasm-utils/dist/index.js",
    "litert_wasm_compat_internal.js": "@litertjs/core/wasm/litert_wasm_compat_internal.js",
    "litert_wasm_compat_internal.wasm": "@litertjs/core/wasm/litert_wasm_compat_internal.wasm",
    "regl.js": "regl/dist/regl.min.js",
    "pub-sub-es.js": "pub-sub-es/dist/index.js",
    "regl-scatterplot.js": "regl-scatterplot/dist/regl-scatterplot.esm.js",
    "uplot.js": "uplot/dist/uPlot.esm.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "gifenc.js": "gifenc/dist/gifenc.esm.js",
}


def find() -> pathlib.Path:
    """Returns the folder with the libraries.

    It is the folder `node_modules` in `KERAS_AE_NODE_MODULES`, the bundle of the wheel, or the cache.

    Raises:
        FileNotFoundError: if they are not there.
    """
    named = os.environ.get("KERAS_AE_NODE_MODULES")
    if not named and BUNDLE.is_dir():
        return BUNDLE
    folder = pathlib.Path(named) if named else _cached() / "node_modules"
    missing = [name for name in _FILES.values() if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"The libraries of the page are not in {folder}: run `{COMMAND}`, which downloads them with npm."
        )
    return folder


def install() -> pathlib.Path:
    """Downloads the libraries into the cache with npm, if there are none, and returns their folder.

    Raises:
        FileNotFoundError: if there is no npm.
        RuntimeError: if npm fails, for example without a network.
    """
    from keras_ae.io.writing import publish_folder, staging

    if BUNDLE.is_dir():
        return BUNDLE
    target = _cached()
    if (target / "node_modules").is_dir():
        return target / "node_modules"
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(
            "npm is not installed: install Node.js, or set KERAS_AE_NODE_MODULES to a folder with the packages of "
            f"{STATIC / _LOCK[0]}."
        )
    with staging(target) as folder:
        for name in _LOCK:
            shutil.copyfile(STATIC / name, folder / name)
        options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run([npm, "ci", *options], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise RuntimeError(f"npm could not download the libraries of the page: {said}")
        publish_folder(folder, target)
    return target / "node_modules"


def copy(modules: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies the files that the page loads, and the licenses of the libraries, into a new folder."""
    if (modules / _LICENSES).is_file():  # a bundle
        shutil.copytree(modules, folder)
        return
    folder.mkdir(parents=True)
    for name, source in _FILES.items():
        shutil.copyfile(modules / source, folder / name)
    (folder / _LICENSES).write_text(_licenses(modules), encoding="utf-8")


def _cached():
    """The folder of these versions in the cache of the user."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return cache / "keras_ae" / f"page-{hashlib.sha256((STATIC / _LOCK[1]).read_bytes()).hexdigest()[:12]}"


def _licenses(modules):
    """Returns the licenses of the libraries, and of what they contain."""
    parts = ["The libraries in this folder and their licenses."]
    packages = json.loads((STATIC / _LOCK[1]).read_text(encoding="utf-8"))["packages"]
    for path, entry in packages.items():
        folder = modules / path.removeprefix("node_modules/")
        if not path or entry.get("dev") or not folder.is_dir():
            continue
        title = f"{folder.relative_to(modules)} {entry['version']}: {entry['license']}"
        texts = [each.read_text(encoding="utf-8") for each in sorted(folder.glob("LICEN[CS]E*"))]
        if not texts and entry["license"] == "Apache-2.0":
            texts = [(STATIC / "apache-2.0.txt").read_text(encoding="utf-8")]
        parts.append("\n\n".join([title, "=" * len(title), *texts]))
    return "\n\n\n".join(parts)
