"""Draws why a likelihood fails as an outlier score, docs/images/outliers_likelihood.png, and prints its numbers:

python docs/draw_likelihood_failure.py

The default detector is trained on `strokes` on a ground of random stripes. Plain strokes are likelier under it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

import keras_ae as kae
from keras_ae.outliers import Evidence

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "benchmarks"))
from outlier_tasks import textured  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--images", type=int, default=12_000)
parser.add_argument("--epochs", type=int, default=20)
arguments = parser.parse_args()

rng = np.random.default_rng(0)
x, _ = kae.datasets.load("strokes", split="train")
plain, _ = kae.datasets.load("strokes", split="test")
plain = plain[:2000]
usual = textured(plain, rng)
detector = kae.outliers.OutlierDetector(epochs=arguments.epochs, random_state=0)
detector.fit(textured(x[: arguments.images], rng))

scores = {"`elbo`: nats, at least -log p(x)": [], "`deviance`: nats above the entropy": [], "`auto`": []}
reconstructed = []
for each in (usual, plain):
    found = Evidence(detector.model_, each).statistics
    columns = (-found["elbo"], found["deviance"], -detector.score_samples(each))
    for values, column in zip(scores.values(), columns, strict=True):
        values.append(column)
    reconstructed.append(detector.model_.reconstruct(each[:6]).numpy())

figure = Figure(figsize=(11, 4.4), dpi=120, facecolor="white", layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.6))
for axes, (name, images) in zip(
    left.subplots(4, 1),
    (
        ("usual: strokes on stripes", usual[:6]),
        ("reconstructed", reconstructed[0]),
        ("new: plain strokes", plain[:6]),
        ("reconstructed", reconstructed[1]),
    ),
    strict=True,
):
    axes.imshow(np.concatenate(list(images[..., 0]), axis=1), cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_title(name, fontsize=9)
    axes.axis("off")
for axes, (name, (of_usual, of_plain)) in zip(right.subplots(3, 1), scores.items(), strict=True):
    area = roc_auc_score(np.arange(4000) >= 2000, np.concatenate([of_usual, of_plain]))
    print(f"{name}: AUROC {area:.3f}, medians {np.median(of_usual):.1f} (usual), {np.median(of_plain):.1f} (plain)")
    both = np.concatenate([of_usual, of_plain])
    ends, logarithmic = np.quantile(both, [0.001, 0.995]), name == "`auto`"
    bins = np.geomspace(*ends, 60) if logarithmic else np.linspace(*ends, 60)
    axes.hist(np.clip(of_usual, bins[0], bins[-1]), bins, color="#4c78a8", alpha=0.75, label="usual")
    axes.hist(np.clip(of_plain, bins[0], bins[-1]), bins, color="#e45756", alpha=0.75, label="plain strokes")
    axes.set_title(f"{name}, AUROC {area:.3f}", fontsize=9)
    axes.set_yticks([])
    axes.set_xscale("log" if logarithmic else "linear")
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
figure.axes[-3].legend(fontsize=8, frameon=False)
path = DOCS / "images" / "outliers_likelihood.png"
figure.savefig(path)
print(path)
