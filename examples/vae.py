"""A variational autoencoder generates: its codes follow a normal distribution that can be sampled.

Redraws the lecture's slides on generating data and on traversing the latent manifold: new digits from the prior, the
plane of codes decoded place by place, and the way from one digit to another.
"""

import argparse
from pathlib import Path

import keras

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--out", type=Path, default=Path("runs/examples/vae"))
arguments = parser.parse_args()

x, _ = kae.datasets.load("digits", "train")  # 8x8 digits, no download
x_test, labels_test = kae.datasets.load("digits", "test")

keras.utils.set_random_seed(0)
model = kae.models.VAE(latent_dim=2, likelihood=kae.likelihoods.Normal(0.2))
model.compile(keras.optimizers.Adam(2e-3))
model.fit(x, batch_size=64, epochs=arguments.epochs, validation_split=0.1, verbose=2)

ways = kae.explore.interpolation(model, x_test[:8], x_test[8:16], steps=10)
figures = {
    "map": kae.explore.latent_map(model, x_test, labels_test, label_name="digit"),
    "samples": kae.explore.samples(model, 64, seed=7),
    "manifold": kae.explore.image_grid(kae.explore.manifold(model), title="The plane of codes"),
    "interpolation": kae.explore.image_grid(ways, title="From one test digit to another"),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))
