"""The files of exports/browser: what holds without a browser."""

import base64
import hashlib
import json
import pathlib
import re

import keras_ae as kae

PAGE = pathlib.Path(kae.__file__).parent.parent / "exports" / "browser"


def test_versions_are_pinned_and_the_lock_agrees():
    wanted = json.loads((PAGE / "package.json").read_text())["dependencies"]
    locked = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(entry["integrity"].startswith("sha512-") for name, entry in locked.items() if name)
    assert {name.removeprefix("node_modules/") for name in locked if name} == set(wanted)


def test_the_page_names_no_other_address():
    for name in ("index.html", "page.js", "decoder.js", "style.css"):
        assert not re.findall(r"(?:https?:)?//[a-z]", (PAGE / name).read_text()), name


def test_the_import_map_is_what_the_policy_allows():
    text = (PAGE / "index.html").read_text()
    (content,) = re.findall(r'<script type="importmap">(.*?)</script>', text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in text
    packages = {path.split("/dist/")[0] for path in json.loads(content)["imports"].values()}
    assert packages == {f"./node_modules/{name}" for name in json.loads(content)["imports"]}


def test_the_packages_stay_out_of_version_control():
    assert "/exports/browser/node_modules/" in (PAGE.parent.parent / ".gitignore").read_text().split()
