"""Descriptions of data sets, and the names that `load` knows. Imports no TensorFlow."""

import dataclasses
import difflib
from collections.abc import Iterable

_TEN = tuple("0123456789")


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """Describes a data set.

    Args:
        name: its name or path.
        image_shape: shape of one example, (H, W, C) for images; `None` if sizes differ or are unknown.
        num_classes: number of classes of the labels; `None` if there are no labels or the number is unknown.
        class_names: names of the classes, in the order of the labels; empty if there are none.
        splits: dictionary of split names to numbers of examples, or to `None` if unknown.
        properties: names of the properties if y is a dict; empty otherwise.
        source: "embedded", "tfds", "folder" or "file".
        description: one line.
    """

    name: str
    image_shape: tuple[int, ...] | None
    num_classes: int | None = None
    class_names: tuple[str, ...] = ()
    splits: dict[str, int | None] = dataclasses.field(default_factory=dict)
    properties: tuple[str, ...] = ()
    source: str = "embedded"
    description: str = ""


def _tfds(name, shape, classes, splits, description, **more):
    return DatasetInfo(name, shape, classes, splits=splits, source="tfds", description=description, **more)


DIGITS = DatasetInfo(
    "digits",
    (8, 8, 1),
    10,
    _TEN,
    {"train": 1437, "test": 360},
    description="Handwritten digits included in scikit-learn (UCI)",
)
STROKES = DatasetInfo(
    "strokes",
    (28, 28, 1),
    10,
    _TEN,
    {"train": 60_000, "test": 10_000},
    properties=("digit", "variant", "slant", "thickness", "size", "rotation", "style"),
    description="Digits drawn from pen strokes, with known properties",
)

# Common data sets of the field. `load` takes any other image set of TFDS too.
_WELL_KNOWN = (
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


def available() -> tuple[DatasetInfo, ...]:
    """Returns data sets that need no download, then well-known data sets of TFDS.

    Example:
        >>> [entry.name for entry in available() if entry.source == "embedded"]
        ['digits', 'strokes']
    """
    return (DIGITS, STROKES, *_WELL_KNOWN)


def names() -> tuple[str, ...]:
    """Returns the names of `available()`."""
    return tuple(entry.name for entry in available())


def close_matches(name: str, more: Iterable[str] = ()) -> list[str]:
    """Returns the names, known or in `more`, that are most similar to `name`, best first."""
    candidates = sorted({*names(), *more})
    return difflib.get_close_matches(name, candidates, n=5, cutoff=0.5)
