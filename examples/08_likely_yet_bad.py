"""Likely, yet undesirable: codes that are typical of the standard normal, but decode to images that are no digits.

Searches for them by gradient ascent, as for adversarial examples, and shows the nearest training digits beside them.
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
parser.add_argument("--out", type=Path, default=Path("runs/lecture/08"))
arguments = parser.parse_args()
num, epochs, searches, steps = (600, 1, 12, 2) if arguments.short else (20_000, 30, 100, 50)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
x_test, _ = kae.datasets.load(arguments.dataset, "test[:2000]")
keras.utils.set_random_seed(0)
model = kae.models.VAE(latent_dim=16)
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, epochs=epochs, verbose=0)

sources = kae.explore.sample_sources(model, x, x_test, num=12, searches=searches, steps=steps)
title = "Samples, and below them the nearest training digits"
figure = kae.explore.sample_sources_figure(sources, x, num=12, title=title)
print(kae.explore.save(figure, arguments.out / "sources.png"))

likeness = kae.evaluate.latent_honesty.Likeness(x[:5000], x_test)
found = kae.evaluate.latent_honesty.search_codes(model, likeness, num=searches, steps=steps)
prior = likeness.unlike(model.sample(2000, seed=0)).mean()
cooler = likeness.unlike(model.sample(2000, seed=0, temperature=0.7)).mean()
norms = np.linalg.norm(found.codes, axis=1)
distances = {name: float(each.distance.mean()) for name, each in sources.items()}
print(
    textwrap.fill(
        "sources.png shows test digits, samples of the prior, codes outside of all data, and codes found by a "
        f"search, each with the nearest training digit below it. Of samples from the prior, {prior:.1%} are unlike "
        f"data: farther from training digits than 99% of real ones; at a temperature of 0.7, {cooler:.1%}. Of "
        f"{searches} searches that stay within the typical set of the prior (norms {norms.min():.1f} to "
        f"{norms.max():.1f}, where draws have about {np.sqrt(16):.0f}), {found.unlike.mean():.0%} end at a code "
        f"whose picture is unlike data; {np.mean(found.starts > likeness.threshold):.0%} were unlike data at the "
        f"start. What surprised: the found pictures are {distances['likely, yet bad']:.1f} from the nearest training "
        f"digit, where test digits are {distances['data']:.1f} and pictures of codes outside of all data "
        f"{distances['outside']:.1f}. How likely a code is says little about its picture.",
        100,
    )
)
