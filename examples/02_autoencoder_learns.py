"""An autoencoder learns: reconstructions at the start, after 100 and after 10,000 steps, and codes of several sizes.

At first the output looks nothing like the input. The larger the code, the smaller the reconstruction error.
"""

import argparse
import textwrap
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="strokes needs no download")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/02"))
arguments = parser.parse_args()
num, stages, sizes = (
    (640, [0, 10, 20], [2, 4]) if arguments.short else (12_800, [0, 100, 10_000], [2, 4, 8, 16, 32, 64])
)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
x_test, _ = kae.datasets.load(arguments.dataset, "test[:2000]")
steps_per_epoch = num // 128


def train(latent_dim, steps, callbacks=()):
    """An autoencoder after so many steps of 128 examples, and its history."""
    keras.utils.set_random_seed(0)
    model = kae.models.AE(latent_dim=latent_dim)
    model.compile(keras.optimizers.Adam(1e-3), steps_per_execution=min(steps_per_epoch, stages[1]))
    history = model.fit(x, epochs=steps // steps_per_epoch, callbacks=list(callbacks), verbose=0)
    return model, history


def error(reconstructions, examples):
    """The mean squared error of a pixel."""
    return float(np.mean((np.asarray(reconstructions) - examples) ** 2))


snapshots = kae.callbacks.Snapshots(arguments.out / "snapshots", x_test[:10], steps=stages)
model, history = train(2, stages[-1], [snapshots])
of_stage = {step: error(each, x_test[:10]) for step, each in snapshots.reconstructions.items()}
of_size = {size: error(train(size, stages[-1] // 5)[0].reconstruct(x_test), x_test) for size in sizes}

curve = Figure(figsize=(5.5, 3.4), dpi=150, layout="constrained")
axes = curve.add_subplot(xlabel="size of the code", ylabel="mean squared error of a pixel, test")
axes.plot(list(of_size), list(of_size.values()), marker="o")
axes.set(xscale="log", ylim=(0, None), title="Larger codes lose less")
axes.set_xticks(sizes, sizes, minor=False)
axes.minorticks_off()
figures = {
    "learning": kae.explore.learning(
        x_test[:10], snapshots.reconstructions, title="An autoencoder with a code of 2 learns"
    ),
    "training": kae.explore.training_curves(history),
    "sizes": curve,
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))
print(arguments.out / "snapshots" / "snapshots.gif")

start, early, late = of_stage.values()
mean = error(x.mean(axis=0), x_test)
print(
    textwrap.fill(
        "learning.png shows ten test digits and their reconstructions from a code of two numbers, before training, "
        f"after {stages[1]} and {stages[2]:,} steps; snapshots.gif shows the same as an animation. Their squared "
        f"error per pixel falls from {start:.3f} to {early:.3f} and {late:.3f}. What surprised: after {stages[1]} "
        f"steps it is only {1 - early / mean:.0%} below {mean:.3f}, the error of the mean image; the model first "
        f"learns what all digits have in common. sizes.png: from {sizes[0]} to {sizes[-1]} code dimensions, the "
        f"error on test digits falls from {of_size[sizes[0]]:.4f} to {of_size[sizes[-1]]:.4f}, "
        f"{of_size[sizes[0]] / of_size[sizes[-1]]:.1f} times less.",
        100,
    )
)
