"""Generating with a plain autoencoder, and how it fails outside the distribution of its codes.

Decodes codes near data, on the way between two digits, in a box around all codes and outside, and then codes from a
density that was fitted to the codes.
"""

import argparse
import textwrap
from pathlib import Path

import keras
import numpy as np

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="strokes needs no download")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/05"))
arguments = parser.parse_args()
num, epochs, drawn = (600, 1, 100) if arguments.short else (20_000, 20, 1000)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
x_test, _ = kae.datasets.load(arguments.dataset, f"test[:{drawn}]")
keras.utils.set_random_seed(0)
model = kae.models.AE(latent_dim=8)
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, epochs=epochs, verbose=0)

codes, rng = model.encode(x).numpy(), np.random.default_rng(0)
model.fit_sampler("gaussian_mixture", x, seed=0, verbose=False)  # a density of the codes
low, high = codes.min(axis=0), codes.max(axis=0)
sources = {
    "codes of test digits": model.encode(x_test).numpy(),
    "near them": model.encode(x_test).numpy() + rng.normal(0.0, 0.1, (drawn, 8)) * codes.std(axis=0),
    "a mixture fitted to codes": model.sample_codes(drawn, seed=0).numpy(),
    "a box around all codes": rng.uniform(low, high, (drawn, 8)),
    "a box twice as large": rng.uniform(1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low, (drawn, 8)),
}
likeness = kae.evaluate.latent_honesty.Likeness(x[:5000], x_test)
rows, labels, unlike, support = [], [], {}, {}
for name, z in sources.items():
    images = model.decode(z.astype(np.float32)).numpy()
    unlike[name] = float(likeness.unlike(images).mean())
    support[name] = float((kae.explore.code_support(z, codes[:5000])[1] < 0.01).mean())
    rows.append(images[:12])
    labels.append(f"{name}: {support[name]:.0%} far from data")
pairs = x_test[:3], x_test[3:6]
figures = {
    "sources": kae.explore.image_grid(
        np.stack(rows), row_labels=labels, title="Decoded codes, by where they come from"
    ),
    "traversal": kae.explore.interpolation_figure(
        model, *pairs, steps=11, title="On the way from one digit to another"
    ),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))

straight, shortest = (
    kae.explore.path_lengths(kae.explore.interpolation(model, *pairs, method=way, steps=11)).mean()
    for way in ("linear", "geodesic")
)
near, far, fitted = "near them", "a box around all codes", "a mixture fitted to codes"
print(
    textwrap.fill(
        f"sources.png shows decoded codes from five sources. Near codes of real digits, {support[near]:.0%} have no "
        f"training code near them, and the pictures are digits. In a box around all codes, {support[far]:.0%} are "
        f"far from any training code, and {unlike[far]:.0%} of the pictures are farther from the training digits "
        f"than 99% of real ones, against {unlike[near]:.0%} near the data. A mixture of normals fitted to the codes "
        f"brings it back to {unlike[fitted]:.0%}: where the distribution of the codes is known, it can be sampled. "
        "What surprised: on the way between digits (traversal.png), the path along which the picture changes least "
        f"is {1 - shortest / straight:.0%} shorter than the straight line between the codes.",
        100,
    )
)
