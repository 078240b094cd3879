"""Measures how well clusters agree with the classes of MNIST, which no method sees.

    python benchmarks/clustering.py                                  # 50 epochs, seeds 0, 1 and 2
    python benchmarks/clustering.py --dataset digits --epochs 20 --seeds 0

The contestants, all trained on the training images:

    k_means    k-means on pixels
    elbo       GaussianMixtureVAE(objective="elbo"): 10 epochs at beta 0.05, the same initial clusters as the default,
               then the paper's bound, with q(k|x) = p(k|z)
    default    GaussianMixtureVAE() with its defaults

Accuracy (by the best matching of clusters to classes), normalized mutual information and adjusted Rand index, on the
training and the test images. `start` is the accuracy of the mixture when the clusters are initialized; `mixture` is
the accuracy of p(k|z) at the end.
"""

import argparse
import functools
import json
import time

import keras
import numpy as np
from side_by_side.machine import cores, machine

import keras_ae as kae
from keras_ae.evaluate.clustering.agreement import accuracy, agreement

CONTESTANTS = ("k_means", "elbo", "default")


def k_means(x, test, seed, epochs):
    from sklearn.cluster import KMeans

    model = KMeans(10, n_init=10, random_state=seed).fit(x.reshape(len(x), -1))
    return [model.predict(each.reshape(len(each), -1)) for each in (x, test)], {}


def trained(objective, x, test, seed, epochs):
    model = kae.models.GaussianMixtureVAE(objective=objective, seed=seed)
    model.compile(keras.optimizers.Adam(1e-3))
    pretraining = model.pretraining_epochs
    if objective == "elbo":
        model.objective.beta = 0.05
    model.fit(x, epochs=pretraining, verbose=0)
    model.initialize_clusters(x, seed=seed)
    if objective == "elbo":
        model.objective.beta = 1.0
    start = mixture(model, x)
    model.fit(x, epochs=epochs, initial_epoch=pretraining, verbose=0)
    return [model.cluster(each) for each in (x, test)], {
        "start": start,
        "mixture": [mixture(model, x), mixture(model, test)],
    }


def mixture(model, x):
    """The most likely components of the mixture for the means of q(z|x)."""
    codes = np.array_split(model.encode(x).numpy(), -(-len(x) // 2000))
    return np.concatenate([model.prior_layer.responsibilities(part) for part in codes]).argmax(axis=-1)


def measure(name, images, labels, seed, epochs):
    started = time.perf_counter()
    run = (
        k_means
        if name == "k_means"
        else functools.partial(trained, {"elbo": "elbo", "default": "clustering_elbo"}[name])
    )
    clusters, more = run(*images, seed, epochs)
    row = {"contestant": name, "seed": seed, "seconds": round(time.perf_counter() - started)}
    for split, found, truth in zip(("train", "test"), clusters, labels, strict=True):
        scores = agreement(truth, found)
        row[split] = {"accuracy": scores.accuracy, "nmi": scores.nmi, "ari": scores.ari}
    if more:
        row["start"] = accuracy(labels[0], more["start"])
        row["mixture"] = [accuracy(*pair) for pair in zip(labels, more["mixture"], strict=True)]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    given = parser.parse_args()
    images, labels = zip(*(kae.datasets.load(given.dataset, split=split) for split in ("train", "test")), strict=True)
    print(f"{given.dataset}, {given.epochs} epochs. {machine(cores())}", flush=True)
    for name in given.contestants:
        rows = []
        for seed in given.seeds:
            rows.append(measure(name, images, labels, seed, given.epochs))
            print(json.dumps(rows[-1]), flush=True)
        medians = {split: float(np.median([row[split]["accuracy"] for row in rows])) for split in ("train", "test")}
        print(f"{name}: median accuracy {medians['train']:.3f} (train), {medians['test']:.3f} (test)", flush=True)


if __name__ == "__main__":
    main()
