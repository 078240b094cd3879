"""The data that a run is evaluated on: held-out examples, their properties, and the training examples."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ae import datasets
from keras_ae.autoencoder import Autoencoder
from keras_ae.evaluate import Subject
from keras_ae.run.examples import Examples, label_name, labels_of


@dataclasses.dataclass(frozen=True)
class EvaluationData:
    """Held-out examples and the training examples of a recipe.

    Examples with an unknown label, -1, are left out if others have one.

    Args:
        name: name of the data set.
        split: the split of the examples, or how they were held out.
        x: examples [N, *event].
        properties: {name: values [N, ...]}: the label, or all properties of the data set; empty without labels.
        labels: labels [N], or `None`.
        reference: the training examples, without those for validation, and their properties, of which `label` is the
            label: (array, {name: values}).
        factors: {name: values [N]}: the one-dimensional properties of a data set that has several.
    """

    name: str
    split: str
    x: np.ndarray
    properties: Mapping[str, np.ndarray]
    labels: np.ndarray | None
    reference: tuple[np.ndarray, Mapping[str, np.ndarray]]
    factors: Mapping[str, np.ndarray]

    @classmethod
    def load(cls, recipe: Mapping[str, Any], split: str | None = None, *, download: bool = False) -> "EvaluationData":
        """Loads the data of a recipe.

        Args:
            recipe: a validated config of a run.
            split: the split to evaluate on; by default "test", or the validation examples if there is no such split.
            download: whether TFDS may download the data set.

        Raises:
            ValueError: for an unknown split, or if there is neither a test split nor validation examples.
        """
        data, seed = recipe["data"], recipe["training"]["seed"]
        training, _ = _examples(data, data["split"], download)
        learned, watched = training.split(data["validation_fraction"], seed)
        if split is None and "test" not in datasets.info(data["name"]).splits:
            if watched is None:
                raise ValueError(
                    f"{data['name']} has no test split, and no validation examples were held out: give `split`."
                )
            found, split = watched, f"{data['split']} (held out for validation)"
        else:
            found, split = _examples(data, split or "test", download)[0], split or "test"
        known = _known(found.labels)
        found, learned = found.rows(known), learned.rows(_known(learned.labels))
        several = isinstance(found.condition, dict) and len(found.condition) > 1
        factors = {name: each for name, each in found.condition.items() if np.ndim(each) == 1} if several else {}
        labels = {} if learned.labels is None else {"label": learned.labels}
        reference = learned.x, {**(learned.condition or {}), **labels}
        return cls(data["name"], split, found.x, found.condition or {}, found.labels, reference, factors)

    def subject(self, model: Autoencoder, names: list[str], *, name: str, seed: int = 0) -> Subject:
        """Returns a model with these data, for metrics.

        Args:
            model: the model.
            names: the condition of the model's recipe.
            name: name of the model in tables.
            seed: integer seed of all samples.

        Raises:
            ValueError: if the model takes examples of another shape, or properties that the data do not have.
        """
        if tuple(model.event_shape) != self.x.shape[1:]:
            raise ValueError(
                f"{name} takes examples of shape {list(model.event_shape)}. Received: {list(self.x.shape[1:])}"
            )
        condition = None if model.condition is None else self.condition(names, name)
        given = {"factors": self.factors, "condition": condition, "reference": self.reference}
        return Subject(model, self.x, self.labels, name=name, seed=seed, **given)

    def condition(self, names: list[str], who: str) -> Any:
        """Returns the values of the properties with these names, as a model takes them.

        Args:
            names: the condition of the model's recipe.
            who: name of the model, for errors.
        """
        missing = [name for name in names if name not in self.properties]
        if missing:
            has = ", ".join(self.properties) or "none"
            raise ValueError(f"{who} needs the properties {', '.join(names)}. The data have: {has}.")
        values = {name: self.properties[name] for name in names}
        return values[names[0]] if len(names) == 1 else values


def _examples(data, split, download):
    """Returns the examples of a split with all of their properties as the condition, and the name of the labels."""
    x, y = datasets.load(data["name"], split, download=download)
    label = label_name(data["name"])
    labels, name = labels_of(y, data["condition"], label=label)
    found = Examples(x, y if isinstance(y, dict) or y is None else {label: y}, labels)
    return found.binarized() if data.get("binarize") else found, name


def _known(labels):
    """The rows with known labels; all rows if no label is known."""
    if labels is None or not np.any(np.asarray(labels) >= 0):
        return slice(None)
    return np.asarray(labels) >= 0
