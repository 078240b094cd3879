"""The names that `load` knows. Imports no TensorFlow."""

import difflib

from keras_ae.datasets.dataset_info import DatasetInfo

_TEN = tuple("0123456789")
_STROKES = ("digit", "variant", "slant", "thickness", "size", "rotation", "style")


def _tfds(name, shape, classes, splits, description, **more):
    return DatasetInfo(name, shape, classes, splits=splits, source="tfds", description=description, **more)


EMBEDDED = (
    DatasetInfo(
        "digits",
        (8, 8, 1),
        10,
        _TEN,
        {"train": 1437, "test": 360},
        description="Handwritten digits included in scikit-learn (UCI)",
    ),
    DatasetInfo(
        "strokes",
        (28, 28, 1),
        10,
        _TEN,
        {"train": 60_000, "test": 10_000},
        properties=_STROKES,
        description="Digits drawn from pen strokes, with known properties",
    ),
)

# Common data sets of the field. `load` takes any other image set of TFDS too.
WELL_KNOWN = (
    _tfds("mnist", (28, 28, 1), 10, {"train": 60_000, "test": 10_000}, "Handwritten digits (LeCun 1998)"),
    _tfds("fashion_mnist", (28, 28, 1), 10, {"train": 60_000, "test": 10_000}, "Clothes (Xiao 2017)"),
    _tfds("kmnist", (28, 28, 1), 10, {"train": 60_000, "test": 10_000}, "Cursive Japanese characters (Clanuwat 2018)"),
    _tfds("emnist", (28, 28, 1), 62, {"train": 697_932, "test": 116_323}, "Handwritten letters, digits (Cohen 2017)"),
    _tfds(
        "binarized_mnist",
        (28, 28, 1),
        None,
        {"train": 50_000, "validation": 10_000, "test": 10_000},
        "Statically binarized MNIST (Larochelle 2011)",
    ),
    _tfds("omniglot", (105, 105, 3), 1623, {"train": 19_280, "test": 13_180}, "Characters of 50 alphabets (Lake 2015)"),
    _tfds("cifar10", (32, 32, 3), 10, {"train": 50_000, "test": 10_000}, "Photographs (Krizhevsky 2009)"),
    _tfds("cifar100", (32, 32, 3), 100, {"train": 50_000, "test": 10_000}, "Photographs (Krizhevsky 2009)"),
    _tfds("svhn_cropped", (32, 32, 3), 10, {"train": 73_257, "test": 26_032}, "House numbers (Netzer 2011)"),
    _tfds("dsprites", (64, 64, 1), None, {"train": 737_280}, "Shapes with known factors (Matthey 2017)"),
    _tfds("shapes3d", (64, 64, 3), None, {"train": 480_000}, "3D scenes with known factors (Kim & Mnih 2018)"),
)


def available():
    """Returns a tuple of `DatasetInfo`: data sets that need no download, then well-known ones of TFDS.

    Example:
        >>> [entry.name for entry in available() if entry.source == "embedded"]
        ['digits', 'strokes']
    """
    return EMBEDDED + WELL_KNOWN


def names():
    """Returns the names of `available()` as a tuple."""
    return tuple(entry.name for entry in available())


def close_matches(name, more=()):
    """Returns the names, known or in `more`, that are most similar to `name`: a list, best first."""
    candidates = sorted({*names(), *more})
    return difflib.get_close_matches(name, candidates, n=5, cutoff=0.5)
