"""Out-of-distribution inputs: an autoencoder of digits reconstructs what it was trained on, and little else.

Its inputs are upright, rotated, inverted and noisy digits, and real handwriting from another source.
"""

import argparse
import textwrap
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="strokes needs no download")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/03"))
arguments = parser.parse_args()
num, epochs = (600, 1) if arguments.short else (20_000, 20)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
x_test, _ = kae.datasets.load(arguments.dataset, "test[:300]")
others, _ = kae.datasets.load("digits", "test[:300]")  # scikit-learn's handwriting, 8x8
others = np.pad(tf.image.resize(others, (20, 20)), [(0, 0), (4, 4), (4, 4), (0, 0)])

keras.utils.set_random_seed(0)
model = kae.models.AE(latent_dim=16)
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, epochs=epochs, verbose=0)

inputs = {
    "as in training": x_test,
    "upside down": x_test[:, ::-1, ::-1],
    "a quarter turn": np.rot90(x_test, axes=(1, 2)),
    "shifted by 5 pixels": np.roll(x_test, 5, axis=2),
    "inverted": 1.0 - x_test,
    "noise": np.random.default_rng(0).random(x_test.shape, np.float32),
    "other handwriting": others.astype(np.float32),
}
rows, labels, errors = [], [], {}
for name, images in inputs.items():
    output = model.reconstruct(images).numpy()
    # Relative to the variance of the image, because faint images have small errors for free.
    errors[name] = float(
        np.mean((output - images) ** 2) / np.mean((images - images.mean(axis=(1, 2, 3), keepdims=True)) ** 2)
    )
    rows += [images[:10], output[:10]]
    labels += [name, f"{errors[name]:.0%} lost"]
title = "Inputs, and what comes out (share of the image's variance that is lost)"
figure = kae.explore.image_grid(np.stack(rows), row_labels=labels, title=title)
print(kae.explore.save(figure, arguments.out / "inputs.png"))

usual, *strange = errors
worst, mildest = max(strange, key=errors.get), min(strange, key=errors.get)
print(
    textwrap.fill(
        "inputs.png shows seven kinds of inputs, and below them the outputs of the autoencoder of digits. On test "
        f"digits, as in training, it loses {errors[usual]:.0%} of the variance of an image. On everything else it "
        f"loses more: from {errors[mildest]:.0%} ({mildest}) to {errors[worst]:.0%} ({worst}). Real handwriting from "
        f"another source loses {errors['other handwriting']:.0%}, though people see the same digits. What surprised: "
        f"digits that are only shifted by five pixels lose {errors['shifted by 5 pixels']:.0%}, digits upside down "
        f"{errors['upside down']:.0%}; a dense network does not know that a shifted digit is the same. And it never "
        "signals that it does not know: noise comes out as strokes.",
        100,
    )
)
