"""The distribution of the codes: arbitrary for an autoencoder, close to normal for a variational autoencoder.

Draws both maps with density contours, and histograms at the edges against the standard normal.
"""

import argparse
import textwrap
from pathlib import Path

import keras
import numpy as np
from scipy.stats import kstest

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="strokes needs no download")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/06"))
arguments = parser.parse_args()
num, epochs = (600, 1) if arguments.short else (20_000, 40)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
x_test, y = kae.datasets.load(arguments.dataset, "test[:3000]")
digit = y["digit"] if isinstance(y, dict) else y

models, spread, distance, reconstruction = {"AE": kae.models.AE, "VAE": kae.models.VAE}, {}, {}, {}
for name, cls in models.items():
    keras.utils.set_random_seed(0)
    models[name] = model = cls(latent_dim=2)
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit(x, epochs=epochs, verbose=0)
    codes = model.posterior(x_test).sample(seed=0).numpy()  # for the AE, the codes themselves
    spread[name] = codes.std(axis=0)
    distance[name] = max(kstest(codes[:, dim], "norm").statistic for dim in range(2))
    reconstruction[name] = float(np.mean((model.reconstruct(x_test).numpy() - x_test) ** 2))
    title = f"{name}: codes of test digits"
    figure = kae.explore.latent_map(model, x_test, digit, label_name="digit", contours=True, margins=True, title=title)
    print(kae.explore.save(figure, arguments.out / f"map_{name.lower()}.png"))
vae = models["VAE"]
figure = kae.explore.manifold_figure(vae, codes=vae.encode(x).numpy(), steps=16, title="The plane of the VAE, decoded")
print(kae.explore.save(figure, arguments.out / "manifold.png"))

kl = float(kae.evaluate.likelihood.kl_of_dimensions(vae, x_test).sum(axis=1).mean())
print(
    textwrap.fill(
        f"map_ae.png and map_vae.png show where {len(x_test):,} test digits lie, with histograms and the standard "
        f"normal at the edges. The codes of the autoencoder spread by {spread['AE'][0]:.1f} and "
        f"{spread['AE'][1]:.1f} (standard deviations) in an arbitrary shape. One term of the loss, a KL of {kl:.1f} "
        f"nats per digit, pulls draws from the VAE's posterior to {spread['VAE'][0]:.2f} and {spread['VAE'][1]:.2f}; "
        f"their largest distance from the standard normal's cumulative distribution falls from {distance['AE']:.2f} "
        f"to {distance['VAE']:.2f}. It costs some sharpness: the squared error of a pixel is "
        f"{reconstruction['VAE']:.4f} instead of {reconstruction['AE']:.4f}. What surprised: though each marginal is "
        "close to normal, the plane keeps its islands, one for each digit. manifold.png decodes the plane.",
        100,
    )
)
