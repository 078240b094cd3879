"""What a run learns from: examples, what the model is told of each, and labels for the colors of a map."""

import dataclasses

import numpy as np

from keras_ae import datasets
from keras_ae.conditions import Categorical, Continuous


@dataclasses.dataclass(frozen=True)
class Examples:
    """Examples, their condition (`None` for none) and labels for the colors of a map (`None` for none).

    A label is -1 where it is unknown.
    """

    x: np.ndarray
    condition: object = None
    labels: np.ndarray | None = None

    def __len__(self):
        return len(self.x)

    def rows(self, index):
        """Those of the rows that an array of numbers or of booleans, or a slice, gives."""
        return Examples(self.x[index], _rows(self.condition, index), _rows(self.labels, index))

    def without_condition(self):
        """The same examples, for a model that has no condition."""
        return dataclasses.replace(self, condition=None)

    def known(self, condition):
        """Those that a model with this condition (`None` for none) can be told of: their labels are known."""
        return self if condition is None else self.rows(_known(condition, self.condition))

    def split(self, fraction, seed):
        """Training and validation examples, drawn from the seed; validation is `None` where the fraction is 0.

        Raises:
            ValueError: for a fraction that is not in [0, 1), or leaves one side empty.
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


def label_name(dataset):
    """What the label of a data set is called: `"digit"` where the classes are the ten digits, else `"label"`."""
    return "digit" if datasets.info(dataset).class_names == tuple("0123456789") else "label"


def choose_condition(y, names=(), num_classes=None, class_names=(), *, label="label"):
    """What a model is told of each example.

    Args:
        y: labels [N], or a dictionary of properties.
        names: the properties to take. Without any, the label; of a dictionary, the property `digit` or `label`.
        label: what the labels are called, where y is no dictionary.
        num_classes: number of classes of the label, where it is known.
        class_names: their names, where they have some.

    Returns:
        (condition, values, names): a `Condition` or a dictionary of them, the values to give to `fit`, and the names.

    Raises:
        ValueError: for data without labels, properties that they do not have, or a label that is never known.
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


def labels_of(y, names=(), *, label="label"):
    """Labels for the colors of a map, and what they are called: (array or `None`, name)."""
    if not isinstance(y, dict):
        return y, label
    name = next((name for name in (*names, "digit", "label") if name in y and np.ndim(y[name]) == 1), None)
    return (None, "label") if name is None else (np.asarray(y[name]), name)


def _condition(name, values, num_classes, class_names):
    if values.dtype.kind in "iu":
        classes = max(num_classes or 0, int(values.max()) + 1)
        if classes < 1:
            raise ValueError(f"`{name}` must be known of one example at least. Received: no label >= 0")
        named = len(class_names) == classes and list(class_names) != [str(number) for number in range(classes)]
        return Categorical(classes, class_names if named else None)
    return Continuous(1 if values.ndim == 1 else values.shape[1])


def _known(condition, values):
    """Whether each value is one that the condition has, bool [N]."""
    known = [
        np.ravel(values) >= part.least if isinstance(part, Categorical) else np.ones(len(values), bool)
        for part, values in ((part, condition.by_name(values)[name]) for name, part in condition.properties.items())
    ]
    return np.all(known, axis=0)


def _rows(values, index):
    if isinstance(values, dict):
        return {name: _rows(column, index) for name, column in values.items()}
    return None if values is None else np.asarray(values)[index]
