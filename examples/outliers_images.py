"""Defects in a folder of images: woven fabric, of which a few new pieces have a hole, a scratch or a stain.

A detector is trained on pieces without defects. It flags new pieces at a stated rate of false alarms, and shows where
each differs from the usual pattern.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=120)
parser.add_argument("--out", type=Path, default=Path("runs/examples/outliers_images"))
arguments = parser.parse_args()

SIZE, DEFECTS = 24, ("hole", "scratch", "stain", "thread")
rng = np.random.default_rng(0)
down, across = np.mgrid[:SIZE, :SIZE]


def fabric(kind):
    """A piece of fabric [24, 24] in [0, 1]: threads that cross, at any offset and brightness."""
    (a, b), bright = rng.uniform(0.0, 2.0 * np.pi, 2), rng.uniform(0.4, 0.6)
    x = bright + 0.15 * np.sin(across * np.pi / 3 + a) + 0.15 * np.sin(down * np.pi / 3 + b)
    row, column = rng.integers(6, SIZE - 6, 2)
    distance = np.hypot(down - row, across - column)
    if kind == "hole":
        x = np.where(distance < 2.0, 0.05, x)
    elif kind == "scratch":
        x = np.where((np.abs(down - row - (across - column) // 2) < 1) & (distance < 7), 0.95, x)
    elif kind == "stain":
        x = x - 0.35 * np.exp(-((distance / 3.0) ** 2))
    elif kind == "thread":
        x = np.where(np.abs(across - column) < 2, bright, x)
    return np.clip(x + rng.normal(0.0, 0.03, x.shape), 0.0, 1.0)


def write(folder, kinds):
    (arguments.out / folder).mkdir(parents=True, exist_ok=True)
    for number, kind in enumerate(kinds):
        image = Image.fromarray(np.round(255 * fabric(kind)).astype(np.uint8))
        image.save(arguments.out / folder / f"{number:04d}-{kind or 'good'}.png")


write("usual", [""] * 1500)
write("new", rng.permutation([""] * 600 + [kind for kind in DEFECTS for _ in range(5)]))

usual, _ = kae.datasets.load(arguments.out / "usual")
new = kae.datasets.Chunks(arguments.out / "new", size=100)  # read in parts: the folder may be larger than memory
detector = kae.outliers.OutlierDetector(held_out=0.3, epochs=arguments.epochs, random_state=0).fit(usual)
found = kae.outliers.report(
    detector, new, usual, out=arguments.out / "report", data={"name": "fabric"}, row_names=new.row_names
)

flagged = new.row_names(np.flatnonzero(found.scores > found.threshold))
for kind in (*DEFECTS, "good"):
    num = sum(kind in name for name in new.row_names(range(len(found))))
    print(f"{kind:8} {sum(kind in name for name in flagged):3} of {num} flagged")

strangest = found.strangest(10)
x = np.concatenate([part for part, _ in new])[strangest]
why = kae.outliers.explain(detector, x, usual[:500])
places = np.clip(why.surprise / 10.0, 0.0, 1.0)  # white: ten standard deviations above what is usual there
grid = np.stack([x, places, usual[why.nearest]])
figure = kae.explore.image_grid(
    grid, row_labels=["strangest", "unusual places", "nearest usual"], title="Defects of a fabric"
)
print(kae.explore.save(figure, arguments.out / "defects.png"))
