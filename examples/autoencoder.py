"""An autoencoder finds structure without labels: the digits as points in the plane of its bottleneck.

Redraws the lecture's dimensionality reduction: a code of two numbers, where clusters appear; the labels, which the
model never saw, show that they are the digits. Writes a map of the codes, and test digits beside their reconstructions.
"""

import argparse
from pathlib import Path

import keras

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--out", type=Path, default=Path("runs/examples/autoencoder"))
arguments = parser.parse_args()

x, _ = kae.datasets.load("digits", "train")  # 8x8 digits, no download
x_test, labels_test = kae.datasets.load("digits", "test")

keras.utils.set_random_seed(0)
model = kae.models.AE(latent_dim=2, likelihood=kae.likelihoods.Normal(0.2))
model.compile(keras.optimizers.Adam(2e-3))
history = model.fit(x, batch_size=64, epochs=arguments.epochs, validation_split=0.1, verbose=2)

figures = {
    "training": kae.explore.training_curves(history),
    "map": kae.explore.latent_map(model, x_test, labels_test, label_name="digit"),
    "reconstructions": kae.explore.reconstructions(model, x_test),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))
