"""The latent map: a bottleneck of two numbers maps digits to a plane, with similar digits near each other.

Draws the codes without labels, as the alien of the lecture sees them, then with labels and with the digits themselves.
"""

import argparse
import textwrap
from pathlib import Path

import keras

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="strokes needs no download")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/04"))
arguments = parser.parse_args()
num, epochs = (600, 1) if arguments.short else (20_000, 40)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
x_test, y = kae.datasets.load(arguments.dataset, "test[:3000]")
digit = y["digit"] if isinstance(y, dict) else y

keras.utils.set_random_seed(0)
model = kae.models.AE(latent_dim=2)
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, epochs=epochs, verbose=0)

figures = {
    "unlabeled": kae.explore.latent_map(model, x_test, title="Codes of test digits"),
    "labeled": kae.explore.latent_map(model, x_test, digit, label_name="digit", title="The same codes, with labels"),
    "thumbnails": kae.explore.latent_map(model, x_test, thumbnails=True, title="The same codes, with the digits"),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))

codes = model.encode(x_test).numpy()
maps = kae.evaluate.maps
neighbors = {
    "the codes": maps.knn_accuracy(codes, digit),
    "PCA": maps.knn_accuracy(kae.explore.codes_2d(x_test.reshape(len(x_test), -1), "pca")[0], digit),
    "all pixels": maps.knn_accuracy(x_test, digit),
}
clusters = kae.explore.cluster_means(x_test, codes, 10, digit).accuracy
print(
    textwrap.fill(
        f"unlabeled.png shows {len(x_test):,} test digits as points of the autoencoder's plane: arms and islands, "
        "without any label. labeled.png shows the digits in color, and thumbnails.png shows the images themselves, "
        "which change smoothly from place to place. The five nearest neighbors of a point predict its digit in "
        f"{neighbors['the codes']:.0%} of the cases, {neighbors['PCA']:.0%} in the plane of PCA, and "
        f"{neighbors['all pixels']:.0%} with all {x_test[0].size} pixels. What surprised: the eye sees clusters, yet "
        f"k-means finds the digits in the plane for only {clusters:.0%}, because the arms are long and touch each "
        "other.",
        100,
    )
)
