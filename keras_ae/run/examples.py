"""The data of a run: examples, their conditions, and labels for the colors of a map."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ae import datasets
from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Categorical, Condition, Continuous
from keras_ae.datasets.binarization import binarize

_BINARIZATION_SEED = 777  # of published comparisons


@dataclasses.dataclass(frozen=True)
class Examples:
    """Examples, their condition (`None` for none) and labels for the colors of a map (`None` for none).

    An unknown label is -1.
    """

    x: np.ndarray
    condition: Any = None
    labels: np.ndarray | None = None

    def __len__(self):
        return len(self.x)

    def rows(self, index: np.ndarray | slice) -> "Examples":
        """Returns the examples of the rows that an array of indices or booleans, or a slice, selects."""
        return Examples(self.x[index], _rows(self.condition, index), _rows(self.labels, index))

    def without_condition(self) -> "Examples":
        """Returns the examples without condition, for an unconditional model."""
        return dataclasses.replace(self, condition=None)

    def binarized(self) -> "Examples":
        """Returns the examples with pixels drawn once from their gray levels, as published tests do."""
        return dataclasses.replace(self, x=binarize(self.x, _BINARIZATION_SEED))

    def with_labels_of(self, num: int, seed: int) -> "Examples":
        """Returns the examples with the condition -1 for all but `num` of them, in equal numbers of each class."""
        rng, classes = np.random.default_rng(seed), np.unique(self.condition)
        if num % len(classes):
            raise ValueError(f"`known_labels` must be a multiple of {len(classes)}, the classes. Received: {num}")
        rows = [rng.permutation(np.flatnonzero(self.condition == each))[: num // len(classes)] for each in classes]
        rows = np.concatenate(rows)
        condition = np.full_like(self.condition, -1)
        condition[rows] = self.condition[rows]
        return dataclasses.replace(self, condition=condition)

    def with_known_copies(self, num: int) -> "Examples":
        """Returns the examples and `num` copies of each one with a known label."""
        rows = np.flatnonzero(np.asarray(self.condition) >= 0)
        return self.rows(np.concatenate([np.arange(len(self)), np.repeat(rows, num)]))

    def known(self, condition: Condition | None) -> "Examples":
        """Returns the examples with known labels for this condition (`None` for none)."""
        return self if condition is None else self.rows(_known(condition, self.condition))

    def split(self, fraction: float, seed: int) -> "tuple[Examples, Examples | None]":
        """Splits at random into training and validation examples; validation is `None` for a fraction of 0.

        Raises:
            ValueError: for a fraction outside [0, 1), or one that leaves a side empty.
        """
        if not 0 <= fraction < 1:
            raise ValueError(f"`validation_fraction` must be in [0, 1). Received: {fraction}")
        if fraction == 0:
            return self, None
        num = round(len(self) * fraction)
        if num in (0, len(self)):
            raise ValueError(
                f"`validation_fraction` must leave examples on both sides. Received: {fraction} of {len(self)}"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        return self.rows(np.sort(order[num:])), self.rows(np.sort(order[:num]))


def load_examples(
    cls: type[Autoencoder], data: dict[str, Any], *, download: bool, gray: bool = False
) -> tuple[Examples, Condition | dict[str, Condition] | None, str]:
    """Returns the examples of a data set, the condition of the model (or `None`) and the name of the labels.

    Adds the names of the properties to `data` if they were not given. With `gray`, pixels are not binarized, although
    the recipe says so.
    """
    x, y = datasets.load(data["name"], data["split"], download=download)
    label = label_name(data["name"])
    condition = values = None
    if data["condition"] or cls.needs_condition:
        info = None if isinstance(y, dict) else datasets.info(data["name"])
        known = {} if info is None else {"num_classes": info.num_classes, "class_names": info.class_names}
        condition, values, data["condition"] = choose_condition(y, data["condition"], label=label, **known)
    labels, label = labels_of(y, data["condition"], label=label)
    found = Examples(x, values, labels)
    return found.binarized() if data.get("binarize") and not gray else found, condition, label


def label_name(dataset: str) -> str:
    """Returns the name of a data set's label: `"digit"` if the classes are the ten digits, otherwise `"label"`."""
    return "digit" if datasets.info(dataset).class_names == tuple("0123456789") else "label"


def choose_condition(
    y: np.ndarray | dict[str, np.ndarray] | None,
    names: Sequence[str] = (),
    num_classes: int | None = None,
    class_names: Sequence[str] = (),
    *,
    label: str = "label",
) -> tuple[Condition | dict[str, Condition], Any, list[str]]:
    """Returns the condition of a model and its values for the examples.

    Args:
        y: labels [N], or a dictionary of properties.
        names: the properties to use. By default the label; in a dictionary, the property `digit` or `label`.
        label: name of the labels, if y is not a dictionary.
        num_classes: number of classes of the label, if known.
        class_names: names of the classes, if any.

    Returns:
        (condition, values, names): a `Condition` or a dictionary of conditions, the values for `fit`, and the names.

    Raises:
        ValueError: for data without labels, unknown properties, or a label that is never known.
    """
    if y is None:
        raise ValueError("A conditional model needs labels, and this data set has none.")
    properties = y if isinstance(y, dict) else {label: y}
    names = list(names) or [name for name in (label, "digit", "label") if name in properties][:1]
    unknown = [name for name in names if name not in properties]
    if unknown or not names:
        raise ValueError(f"`condition` must name some of {sorted(properties)}. Received: {', '.join(names) or 'none'}")
    parts = {name: _condition(name, np.asarray(properties[name]), num_classes, class_names) for name in names}
    if len(names) == 1:
        return parts[names[0]], properties[names[0]], names
    return parts, {name: properties[name] for name in names}, names


def condition_of(y: np.ndarray | dict[str, np.ndarray] | None, names: Sequence[str], who: str) -> Any:
    """Returns the values of the properties with these names, as a model takes them; `None` for no names.

    Args:
        y: labels [N], a dictionary of properties, or `None`. Labels without a name are the only property.
        names: the condition of a model's recipe.
        who: name of the data, for errors.

    Raises:
        ValueError: for missing properties.
    """
    if not names:
        return None
    properties = y if isinstance(y, dict) else {names[0] if len(names) == 1 else "label": y}
    if y is None or any(name not in properties for name in names):
        has = "no labels" if y is None else ", ".join(properties)
        raise ValueError(f"`{who}` must have the properties {', '.join(names)}. Received: {has}")
    return properties[names[0]] if len(names) == 1 else {name: properties[name] for name in names}


def labels_of(
    y: np.ndarray | dict[str, np.ndarray] | None, names: Sequence[str] = (), *, label: str = "label"
) -> tuple[np.ndarray | None, str]:
    """Returns labels for the colors of a map and their name: (array or `None`, name)."""
    if not isinstance(y, dict):
        return y, label
    name = next((name for name in (*names, "digit", "label") if name in y and np.ndim(y[name]) == 1), None)
    return (None, "label") if name is None else (np.asarray(y[name]), name)


def _condition(name, values, num_classes, class_names):
    if values.dtype.kind in "iu":
        classes = max(num_classes or 0, int(values.max()) + 1)
        if classes < 1:
            raise ValueError(f"`{name}` must be known for at least one example. Received: no label >= 0")
        named = len(class_names) == classes and list(class_names) != [str(number) for number in range(classes)]
        return Categorical(classes, class_names if named else None)
    return Continuous(1 if values.ndim == 1 else values.shape[1])


def _known(condition, values):
    """Returns whether each value is known, bool [N]."""
    known = [
        np.ravel(values) >= part.least if isinstance(part, Categorical) else np.ones(len(values), bool)
        for part, values in ((part, condition.by_name(values)[name]) for name, part in condition.properties.items())
    ]
    return np.all(known, axis=0)


def _rows(values, index):
    if isinstance(values, dict):
        return {name: _rows(column, index) for name, column in values.items()}
    return None if values is None else np.asarray(values)[index]
