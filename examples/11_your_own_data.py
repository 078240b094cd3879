"""Your own data: a folder of images, a table of numbers, and sequences, with the same three lines of code each.

Writes small files of each kind, so that the script runs unchanged; replace them by your own paths.
"""

import argparse
import textwrap
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_wine

import keras_ae as kae

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--dataset", choices=["strokes", "mnist"], default="strokes", help="source of the folder of images")
parser.add_argument("--short", action="store_true", help="run in seconds, without meaningful numbers")
parser.add_argument("--out", type=Path, default=Path("runs/lecture/11"))
arguments = parser.parse_args()
num, epochs = (200, 2) if arguments.short else (2000, 200)
rng, folder = np.random.default_rng(0), arguments.out / "images"

folder.mkdir(parents=True, exist_ok=True)
for number, image in enumerate(kae.datasets.load(arguments.dataset, f"train[:{num}]")[0]):
    Image.fromarray(np.round(255 * image[..., 0]).astype(np.uint8)).save(folder / f"{number:04d}.png")
wine, columns = load_wine(return_X_y=True)[0][:, :6], load_wine().feature_names[:6]
np.savetxt(arguments.out / "wine.csv", wine, delimiter=",", header=",".join(columns), comments="", fmt="%.4f")
hours = np.arange(48)
day = np.sin(2 * np.pi * (hours - rng.normal(9.0, 1.0, (num, 1))) / 24) * rng.uniform(3.0, 9.0, (num, 1))
np.save(arguments.out / "temperatures.npy", (15 + day + rng.normal(0.0, 0.5, (num, 48))).astype(np.float32))


def learn(path, **options):
    """Loads a file or a folder, and trains a VAE of it on nine tenths: the model, scaled examples, and scaling back."""
    x, _ = kae.datasets.load(path)
    loc, scale = (0.0, 1.0) if path.is_dir() else (x.mean(axis=0), x.std(axis=0))
    keras.utils.set_random_seed(0)
    model = kae.models.VAE(likelihood="normal", **options)
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit((x - loc) / scale, epochs=epochs, validation_split=0.1, batch_size=64, verbose=0)
    return model, x, lambda scaled: scaled * scale + loc


images, x_images, _ = learn(folder, latent_dim=16)
table, x_table, unscale_table = learn(arguments.out / "wine.csv", latent_dim=3)
sequences, x_sequences, unscale_sequences = learn(arguments.out / "temperatures.npy", latent_dim=4)
means = unscale_table(table.sample(len(x_table), seed=0).numpy())  # of p(x|z)
rows = unscale_table(table.likelihood(table.sample_codes(len(x_table), seed=0)).sample(seed=0).numpy())  # with noise
curves = unscale_sequences(sequences.likelihood(sequences.sample_codes(1000, seed=0)).sample(seed=0).numpy())
figures = {
    "images": kae.explore.reconstructions(images, x_images[-12:], num=12),
    "table": kae.explore.pair_plots(x_table, rows, columns=columns, title="Wines, real and generated"),
    "columns": kae.explore.parallel_coordinates(x_table, rows, columns=columns),
    "sequences": kae.explore.curve_bands(x_sequences, curves, unit="degrees", title="Temperatures of two days"),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))

apart = np.abs(np.corrcoef(x_table.T) - np.corrcoef(rows.T)).max()
low, _, high = kae.explore.bands(x_sequences)
inside = np.mean((curves >= low) & (curves <= high))
narrow, wide = (float(np.mean(each.std(axis=0) / x_table.std(axis=0))) for each in (means, rows))
print(
    textwrap.fill(
        f"The same lines of code learn from {len(x_images):,} PNG files, {len(x_table)} rows of a table and "
        f"{len(x_sequences):,} sequences. table.png and columns.png compare real wines with generated ones: no "
        f"correlation of two columns is off by more than {apart:.2f}. sequences.png has bands of temperatures: "
        f"{inside:.0%} of the generated values lie within the band that has 90% of the real ones. What surprised: "
        f"`sample` gives the mean of p(x|z), which suits images; but rows of means spread only {narrow:.0%} as much "
        f"as real rows, and with the noise of the likelihood {wide:.0%}. Tables need the noise.",
        100,
    )
)
