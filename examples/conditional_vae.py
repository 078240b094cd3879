"""A conditional variational autoencoder generates what is asked for: this digit, at this slant.

Redraws the lecture's conditional generation, with two properties at once: the digit, a class, and the slant of the pen,
an angle. The code is left to hold the rest of the style, so that one code shows one hand writing every digit.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--out", type=Path, default=Path("runs/examples/conditional_vae"))
arguments = parser.parse_args()

x, properties = kae.datasets.load("strokes", "train[:4000]")  # 28x28 digits drawn from pen strokes, no download
condition = {name: properties[name] for name in ("digit", "slant")}

keras.utils.set_random_seed(0)
model = kae.models.ConditionalVAE(latent_dim=8, condition={"digit": kae.Categorical(10), "slant": kae.Continuous()})
model.compile(keras.optimizers.Adam(2e-3))
model.fit(x, condition, batch_size=64, epochs=arguments.epochs, validation_split=0.1, verbose=2)

digits = {"digit": np.arange(10), "slant": np.zeros(10)}
slants = np.linspace(*np.quantile(condition["slant"], [0.02, 0.98]), 9)
leaning = model.decode_each(model.sample_codes(8, {"digit": 7, "slant": 0.0}), {"digit": [7] * 9, "slant": slants})
figures = {
    "digits": kae.explore.samples_by_condition(model, digits, num=10, seed=7, name="digit"),
    "slants": kae.explore.image_grid(leaning, title=f"Sevens, slant from {slants[0]:.0f} to {slants[-1]:.0f}"),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))
