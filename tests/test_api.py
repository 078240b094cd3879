"""docs/api.txt lists the public names and signatures."""

import difflib
import pathlib
import runpy

DOCS = pathlib.Path(__file__).parent.parent / "docs"


def test_the_listing_of_public_names_is_up_to_date():
    written = runpy.run_path(str(DOCS / "write_api.py"))["listing"]()
    listed = (DOCS / "api.txt").read_text(encoding="utf-8")
    changed = "\n".join(difflib.unified_diff(listed.splitlines(), written.splitlines(), "listed", "found", n=0))
    assert not changed, f"Public names or signatures changed: `python docs/write_api.py` lists them anew.\n{changed}"
