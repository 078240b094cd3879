import dataclasses

import keras
import numpy as np

from keras_ae.conditions import Categorical
from keras_ae.validation.arguments import MAX_ROWS, check_size


@dataclasses.dataclass(frozen=True)
class ConditionalAccuracy:
    """Result of `conditional_accuracy`: how often a classifier recognizes the requested class.

    Attributes:
        accuracy: fraction of all generated examples that are classified as requested, in [0, 1].
        per_class: the same fraction for each class, float64 [C].
        confusion: int64 [C, C]; row: the requested class, column: the predicted class.
    """

    accuracy: float
    per_class: np.ndarray
    confusion: np.ndarray

    def __str__(self):
        lines = [f"{self.accuracy:.1%} of {self.confusion.sum():,} generated examples are classified as requested"]
        for asked, row in enumerate(self.confusion):
            errors = [(count, read) for read, count in enumerate(row) if count and read != asked]
            most = ", ".join(f"{count} as {read}" for count, read in sorted(errors, reverse=True)[:3])
            lines.append(f"  {asked}: {self.per_class[asked]:6.1%}" + (f"  ({most})" if most else ""))
        return "\n".join(lines)


def conditional_accuracy(
    model: keras.Model,
    classifier: keras.Model,
    *,
    num_per_class: int = 100,
    name: str | None = None,
    others: dict | None = None,
    seed: int = 0,
) -> ConditionalAccuracy:
    """Generates examples of each class and classifies them.

    Args:
        model: a conditional model with a prior.
        classifier: a Keras model from examples to class scores [B, C], such as `train_classifier` returns.
        num_per_class: generated examples per class.
        name: name of the requested property, if the model has several.
        others: values of the other properties, for all examples.
        seed: integer; the same seed gives the same examples.

    Returns:
        A `ConditionalAccuracy`.

    Raises:
        ValueError: if the model has no such categorical property.
    """
    num_per_class = check_size("num_per_class", num_per_class, high=MAX_ROWS)
    parts = {} if model.condition is None else model.condition.properties
    name = "condition" if name is None else name
    part = parts.get(name)
    if not isinstance(part, Categorical):
        raise ValueError(f"`name` must be a categorical property, one of {list(parts)}. Received: {name!r}")
    asked = np.repeat(np.arange(part.num_classes), num_per_class)
    condition = model.condition.from_named({**(others or {}), name: asked})
    images = model.sample(len(asked), condition, seed=seed)
    scores = classifier.predict(images.numpy(), batch_size=500, verbose=0)
    if scores.ndim != 2 or scores.shape[1] < part.num_classes:
        raise ValueError(f"`classifier` must return scores of {part.num_classes} classes. Received: {scores.shape}")
    read = scores[:, : part.num_classes].argmax(axis=1)
    confusion = np.zeros([part.num_classes] * 2, np.int64)
    np.add.at(confusion, (asked, read), 1)
    return ConditionalAccuracy(float(np.mean(asked == read)), confusion.diagonal() / num_per_class, confusion)
