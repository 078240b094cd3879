"""Draws the architecture from the imports of the package, and prints it as text:

python docs/draw_architecture.py
"""

import ast
import functools
from pathlib import Path

from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "keras_ae"
PICTURE = ROOT / "docs" / "images" / "architecture.png"


def room_of(path):
    """The folder or file of the package that a file belongs to: "latents" for keras_ae/latents/priors/prior.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The rooms that a file imports from, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "keras_ae":
            names = [f"keras_ae.{alias.name}" for alias in node.names]
        else:
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.startswith("keras_ae.") and not name.startswith("keras_ae.__"):
                yield name.split(".")[1]


@functools.cache
def arrows():
    """{room: the other rooms that it imports from}, of the whole package."""
    found = {room_of(path): set() for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem[0] != "_"}
    for path in PACKAGE.rglob("*.py"):
        if room_of(path) in found:
            found[room_of(path)] |= set(imported(path)) - {room_of(path)}
    return {room: frozenset(found[room]) for room in sorted(found)}


@functools.cache
def floor(room):
    """0 for a room that imports no other, and else one more than the highest room that it imports.

    Raises:
        RecursionError: where rooms import each other in a circle.
    """
    return max((floor(other) + 1 for other in arrows()[room]), default=0)


def floors():
    """The rooms of each floor, from the ground up: a list of lists."""
    rooms = [[] for _ in range(max(map(floor, arrows())) + 1)]
    for room in arrows():
        rooms[floor(room)].append(room)
    return rooms


@functools.cache
def reachable(room):
    return frozenset(arrows()[room]).union(*(reachable(other) for other in arrows()[room]))


def direct(room):
    """The rooms that a room imports and reaches on no other way: an arrow for the others would say nothing new."""
    others = arrows()[room]
    return sorted(other for other in others if not any(other in reachable(between) for between in others))


def lines(room):
    paths = [PACKAGE / f"{room}.py"] if (PACKAGE / f"{room}.py").is_file() else (PACKAGE / room).rglob("*.py")
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def places():
    """{room: (x, y)}: each row is sorted, again and again, by the mean place of what its rooms are tied to."""
    rows = floors()
    spread = {room: ((i + 0.5) / len(row), y) for y, row in enumerate(rows) for i, room in enumerate(row)}
    ties = {room: {*direct(room), *(other for other in arrows() if room in direct(other))} for room in arrows()}
    for _ in range(20):
        for y, row in enumerate(rows):
            row.sort(key=lambda room: sum(spread[other][0] for other in ties[room]) / max(1, len(ties[room])))
            spread |= {room: ((i + 0.5) / len(row), y) for i, room in enumerate(row)}
    return spread


def draw():
    rows, spread = floors(), places()
    figure = Figure(figsize=(11, 0.85 * len(rows) + 0.6), dpi=110, facecolor="white")
    axes = figure.subplots()
    for room, (x, y) in spread.items():
        for other in direct(room):
            axes.annotate(
                "",
                xy=(spread[other][0], spread[other][1] + 0.22),
                xytext=(x, y - 0.22),
                arrowprops={"arrowstyle": "-|>", "color": "#8aa0b4", "lw": 0.9, "shrinkA": 0, "shrinkB": 0},
            )
    for room, (x, y) in spread.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "#eef4fa", "edgecolor": "#2f5d8a"}
        label = room if (PACKAGE / room).is_dir() else f"{room}.py"
        axes.text(x, y, f"{label}  {lines(room):,}", ha="center", va="center", fontsize=9, bbox=box)
    axes.set(xlim=(0, 1), ylim=(-0.5, len(rows) - 0.5))
    axes.set_title("keras_ae: an arrow leads to what is imported; the number is the lines of code", fontsize=10)
    axes.set_axis_off()
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    for height, row in reversed(list(enumerate(floors()))):
        print(f"{height:2}  {', '.join(row)}")
    draw().savefig(PICTURE)
    print(PICTURE.relative_to(ROOT))
