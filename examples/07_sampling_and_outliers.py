"""A variational autoencoder samples new digits, and detects outliers.

Draws samples of the standard normal prior, and scores outliers with calibrated p-values.
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
parser.add_argument("--out", type=Path, default=Path("runs/lecture/07"))
arguments = parser.parse_args()
num, epochs = (600, 1) if arguments.short else (20_000, 30)

x, _ = kae.datasets.load(arguments.dataset, f"train[:{num}]")
usual, _ = kae.datasets.load(arguments.dataset, "test[:2000]")  # fits the detector, which must not see training digits
x_test, _ = kae.datasets.load(arguments.dataset, "test[2000:3000]")

keras.utils.set_random_seed(0)
model = kae.models.VAE(latent_dim=16)
model.compile(keras.optimizers.Adam(1e-3))
model.fit(x, epochs=epochs, verbose=0)

detector = kae.outliers.OutlierDetector(model, random_state=0).fit(usual)
strange = {
    "upside down": x_test[:250, ::-1, ::-1],
    "mirrored": x_test[250:500, :, ::-1],
    "two digits at once": np.maximum(x_test[500:750], x_test[750:1000]),
    "a hole": np.where(np.hypot(*(np.mgrid[:28, :28] - 13.5))[..., np.newaxis] < 4, 0.0, x_test[:250]),
}
outliers = np.concatenate(list(strange.values())).astype(np.float32)
everything = np.concatenate([x_test, outliers])
known = np.arange(len(everything)) >= len(x_test)
scores = -detector.score_samples(everything)
areas = {
    name: kae.outliers.detection_metrics(scores[~known], -detector.score_samples(each.astype(np.float32)))[0].value
    for name, each in strange.items()
}
figures = {
    "samples": kae.explore.samples(model, 80, seed=7, title="Decoded draws from the standard normal"),
    "scores": kae.explore.outlier_scores(detector, scores, known=known, title="Test digits, and what does not belong"),
    "outliers": kae.explore.outlier_examples(detector, everything, usual[:1000], num=7),
}
for name, figure in figures.items():
    print(kae.explore.save(figure, arguments.out / f"{name}.png"))

flagged = detector.flag(everything)
unlike = kae.evaluate.latent_honesty.Likeness(x[:5000], usual).unlike(model.sample(1000, seed=0)).mean()
hardest, easiest = min(areas, key=areas.get), max(areas, key=areas.get)
listed = ", ".join(f"{area:.2f} for {name}" for name, area in areas.items())
print(
    textwrap.fill(
        f"samples.png shows 80 digits decoded from draws of a standard normal; of 1,000 samples, {unlike:.1%} are "
        "farther from the training digits than 99% of real ones. scores.png shows the outlier scores: at a "
        f"threshold for 1% false alarms, {flagged[~known].mean():.1%} of {len(x_test):,} new test digits are "
        f"flagged, and {flagged[known].mean():.0%} of the outliers. The area under the ROC curve is {listed}. "
        "outliers.png shows the most anomalous examples, what is unusual about them, and what the model expects "
        f"instead. What surprised: the hardest is {hardest}, the easiest {easiest}; people may rank them "
        "differently. And some samples look like no digit, though hardly any is far from all digits: faint and "
        "blurred pictures are close to many.",
        100,
    )
)
