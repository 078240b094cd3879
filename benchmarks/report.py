"""Writes the results of the benchmarks into docs/performance.md and its pictures.

    python benchmarks/report.py

Results of `training.py`, `training_profile.py` and `inference.py`, if they exist, replace the text between the markers
`<!-- training -->`, `<!-- grid-amd -->` or `<!-- grid-intel -->`, `<!-- bfloat16 -->`, `<!-- profile -->` and
`<!-- inference -->` and their ends, such as `<!-- /training -->`. The grid is what `training.py --only grid --out
benchmarks/results/grid.json` writes on a processor of AMD or Intel, and bfloat16 likewise.
"""

import argparse
import json
import sys
from pathlib import Path

import decoding.picture
import decoding.tables
from side_by_side.machine import environment
from side_by_side.picture import picture
from side_by_side.profile_table import profile_markdown
from side_by_side.tables import markdown

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT = ROOT / "docs" / "performance.md"


def section(results, image=None, alt="Speeds of all contestants, and curves over rows and width"):
    """Returns the text between the markers; without an image, tables alone."""
    rounds = max(len(part["rounds"]) for case in results["cases"] for part in case["contestants"])
    protocol = f"{rounds} rounds on {environment(results)}"
    note = "**Quick figures without meaning.** " if results["quick"] else ""
    figure = "" if image is None else f"![{alt}]({image})\n\n"
    return f"{note}{protocol}\n\n{figure}{markdown(results)}"


def replace(text, name, new):
    """Returns a document with a new text between the markers of a name.

    Raises:
        ValueError: if the document does not have both markers, in order.
    """
    before, opening, rest = text.partition(f"<!-- {name} -->")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not (opening and closing):
        raise ValueError(f"The document must have <!-- {name} --> and then <!-- /{name} -->.")
    return f"{before}{opening}\n\n{new}\n\n{closing}{after}"


def save(figure, document, name):
    """Saves a figure beside a document, and returns its relative path."""
    image = document.parent / "images" / name
    image.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(image)
    print(image)
    return image.relative_to(document.parent)


def put_inference(document, results):
    """Writes the results of `inference.py` into a document."""
    image = save(decoding.picture.picture(results), document, "inference.png")
    document.write_text(replace(document.read_text(), "inference", decoding.tables.markdown(results, image)))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", type=Path, default=RESULTS / "training.json")
    parser.add_argument("--grid", type=Path, default=RESULTS / "grid.json")
    parser.add_argument("--bfloat16", type=Path, default=RESULTS / "bfloat16.json")
    parser.add_argument("--profile", type=Path, default=RESULTS / "training_profile.json")
    parser.add_argument("--inference", type=Path, default=RESULTS / "inference.json")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    arguments = parser.parse_args(arguments)
    document = arguments.document
    text = document.read_text()
    if arguments.training.exists():
        results = json.loads(arguments.training.read_text())
        text = replace(text, "training", section(results, save(picture(results), document, "training.png")))
    if arguments.grid.exists():
        results = json.loads(arguments.grid.read_text())
        maker = next(name for name in ("AMD", "Intel") if name in results["machine"]["processor"])
        image = save(picture(results), document, f"training_grid_{maker.lower()}.png")
        new = section(results, image, f"Speeds over width, for three sizes of batches, {maker}")
        text = replace(text, f"grid-{maker.lower()}", new)
    if arguments.bfloat16.exists():
        text = replace(text, "bfloat16", section(json.loads(arguments.bfloat16.read_text())))
    if arguments.profile.exists():
        text = replace(text, "profile", profile_markdown(json.loads(arguments.profile.read_text())))
    document.write_text(text)
    if arguments.inference.exists():
        put_inference(document, json.loads(arguments.inference.read_text()))
    print(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
