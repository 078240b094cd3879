"""Clusters without labels: k-means on the pixels of digits, and on the codes of an autoencoder.

The lecture says that in many dimensions all points are about equally far apart, so clusters of pixels would mean
little. The script measures both, and clusters the codes of an autoencoder instead.
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
parser.add_argument("--out", type=Path, default=Path("runs/lecture/01"))
arguments = parser.parse_args()
num, epochs, shown = (600, 1, 300) if arguments.short else (20_000, 20, 3000)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")  # nobody tells an alien the labels
x_test, y = kae.datasets.load(arguments.dataset, f"test[:{shown}]")
digit = y["digit"] if isinstance(y, dict) else y  # only to judge the clusters

keras.utils.set_random_seed(0)
model = kae.models.AE(latent_dim=10)
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, epochs=epochs, verbose=0)
codes = model.encode(x_test).numpy()

clusters = {
    "pixels": kae.explore.cluster_means(x_test, x_test, 10, digit),
    "codes": kae.explore.cluster_means(x_test, codes, 10, digit),
}
contrast = {
    name: float(np.median(kae.evaluate.clustering.relative_contrast(values, max_examples=2000)))
    for name, values in {
        "pixels": x_test,
        "codes": codes,
        "noise": np.random.default_rng(0).normal(size=x_test.shape),
    }.items()
}
figures = {
    "clusters": kae.explore.cluster_figure(clusters),
    "contrast": kae.explore.contrast_figure({"pixels of digits": x_test, "codes of digits": codes}),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))

print(
    textwrap.fill(
        "clusters.png shows the mean image of each of ten k-means clusters; contrast.png shows how much farther the "
        f"farthest of 2,000 examples is than the nearest. Noise of {x_test[0].size} dimensions has a contrast of "
        f"{contrast['noise']:.2f}: all points are about equally far. Digits have {contrast['pixels']:.1f} in the "
        f"same space, because they fill only a small part of it, and {contrast['codes']:.1f} as codes of ten "
        f"dimensions. Matched with the digits, clusters of pixels are right for {clusters['pixels'].accuracy:.0%} "
        f"and clusters of codes for {clusters['codes'].accuracy:.0%}. What surprised: clusters of pixels are far "
        "from meaningless, since chance would be right for about 10%; but they miss digits that people distinguish, "
        "and find others twice.",
        100,
    )
)
