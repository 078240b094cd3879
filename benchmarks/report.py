"""Puts the results of a benchmark into a document: tables between its markers, the picture beside it.

    python benchmarks/report.py                     # benchmarks/results/training.json into docs/performance.md

The text between `<!-- training -->` and `<!-- /training -->` is replaced; no number in there is written by hand.
"""

import argparse
import json
import sys
from pathlib import Path

from side_by_side.picture import picture
from side_by_side.tables import markdown

ROOT = Path(__file__).resolve().parents[1]
MARKERS = "<!-- training -->", "<!-- /training -->"


def section(results, image):
    """The text that belongs between the markers."""
    machine, versions = results["machine"], results["versions"]
    instructions = ", ".join(machine["instructions"])
    kind = f"{machine['cores']} cores of {machine['processor']} ({machine['architecture']}: {instructions}), no GPU"
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    protocol = f"{results['rounds']} rounds on {kind}. {packages}."
    note = "**Quick figures without meaning.** " if results["quick"] else ""
    figure = f"![Speeds of all contestants, and curves over rows and width]({image})"
    return f"{note}{protocol}\n\n{figure}\n\n{markdown(results)}"


def replace(text, new):
    """A document with another text between the markers.

    Raises:
        ValueError: where the document does not have both, in order.
    """
    before, opening, rest = text.partition(MARKERS[0])
    _, closing, after = rest.partition(MARKERS[1])
    if not (opening and closing):
        raise ValueError(f"The document must have {MARKERS[0]} and then {MARKERS[1]}.")
    return f"{before}{opening}\n\n{new}\n\n{closing}{after}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="?", default=ROOT / "benchmarks/results/training.json")
    parser.add_argument("--document", type=Path, default=ROOT / "docs/performance.md")
    arguments = parser.parse_args(arguments)
    results = json.loads(arguments.results.read_text())
    image = arguments.document.parent / "images" / "training.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    picture(results).savefig(image)
    new = section(results, image.relative_to(arguments.document.parent))
    arguments.document.write_text(replace(arguments.document.read_text(), new))
    print(arguments.document)
    print(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
