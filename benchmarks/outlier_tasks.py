"""The tasks of outliers.py: what a detector is trained on, usual examples for the test, and outliers."""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

import keras_ae as kae
from keras_ae.recipes.detector_recipe import changed


def textured(x, rng):
    """Images on a ground of random stripes."""
    rows, columns = np.meshgrid(np.arange(28), np.arange(28), indexing="ij")
    angle, width, phase = (rng.random([len(x), 1, 1]) for _ in range(3))
    wave = np.cos(np.pi * angle) * rows + np.sin(np.pi * angle) * columns
    stripes = 0.3 + 0.3 * np.sin(2 * np.pi * (wave / (3.0 + 5.0 * width) + phase))
    return np.maximum(x, stripes[..., np.newaxis]).astype(np.float32)


def images(num, num_test):
    """Yields (task, number of tasks, function to (training images, usual test images, {name: outliers}))."""

    def load(name):
        (x, _), (test, labels) = (kae.datasets.load(name, split=split) for split in ("train", "test"))
        return x[:num], test[:num_test], labels

    def mnist():
        x, test, labels = load("mnist")
        outliers = changed(test, labels[: len(test)], np.random.default_rng(0))
        return x, test, {**outliers, "strokes": load("strokes")[1]}

    def strokes():
        x, test, _ = load("strokes")
        return x, test, {"MNIST": load("mnist")[1]}

    def stripes():
        x, test, _ = load("strokes")
        rng = np.random.default_rng(0)
        x, usual = textured(x, rng), textured(test, rng)
        return x, usual, {"plain strokes": test, "MNIST": load("mnist")[1]}

    for task, make in (("MNIST", mnist), ("strokes", strokes), ("strokes on stripes", stripes)):
        yield task, 3, make


def one_class(num, num_test):
    """Yields one task per digit: its training images, its test images, all others. As `images`."""

    def make(digit):
        (x, labels), (test, test_labels) = (kae.datasets.load("mnist", split=split) for split in ("train", "test"))
        usual = test_labels == digit
        return x[labels == digit][:num], test[usual][:num_test], {"other digits": test[~usual][:num_test]}

    for digit in range(10):
        yield f"only {digit}", 10, lambda digit=digit: make(digit)


def tables(num, num_test):
    """Yields tables: one class of scikit-learn's; PyOD's generators, with and without outliers in training."""
    from pyod.utils.data import generate_data, generate_data_clusters

    def one_class(load, usual):
        data, rng = load(), np.random.default_rng(0)
        rows = rng.permutation(np.flatnonzero(data.target == usual))
        cut = int(0.8 * len(rows))
        rest = {"other classes": data.data[data.target != usual]}
        return data.data[rows[:cut]], data.data[rows[cut:]], rest

    def generated(generate, clean, options):
        x, test, y, test_y = generate(n_train=1000, n_test=1000, contamination=0.1, random_state=0, **options)
        name = "PyOD's" if clean else "PyOD's, also in training"
        return (x[y == 0] if clean else x), test[test_y == 0], {name: test[test_y == 1]}

    made = {
        "breast cancer": lambda: one_class(load_breast_cancer, 1),
        "wine": lambda: one_class(load_wine, 1),
        "digits, flattened": lambda: one_class(load_digits, 0),
    }
    clusters = {"n_clusters": 4, "size": "different", "density": "different"}
    for name, generate, options in (
        ("normal, 2 columns", generate_data, {"n_features": 2}),
        ("normal, 20 columns", generate_data, {"n_features": 20}),
        ("clusters, 2 columns", generate_data_clusters, {"n_features": 2, **clusters}),
        ("clusters, 10 columns", generate_data_clusters, {"n_features": 10, **clusters}),
    ):
        for clean in (True, False):
            task = name if clean else f"{name}, contaminated"
            made[task] = lambda generate=generate, clean=clean, options=options: generated(generate, clean, options)
    for task, make in made.items():
        yield task, len(made), make


KINDS = {"images": images, "one-class": one_class, "tables": tables}
