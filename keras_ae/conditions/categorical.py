import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.conditions.condition import Condition, check_tensor_spec, repeat_single
from keras_ae.validation.arguments import check_size
from keras_ae.validation.arrays import as_array
from keras_ae.validation.tensors import require


@keras.saving.register_keras_serializable(package="keras_ae")
class Categorical(Condition):
    """A property with finitely many values, numbered from 0: class, writer, style.

    Args:
        num_classes: number of values, or their names, a sequence of different strings.
        vocabulary: names of the values in the order of their indices, or `None`. Without it, `fit` learns the names
            from string labels, sorted. From then on, labels may be names or indices in `fit`, `encode`, `sample` and
            everywhere else. Exports take indices; their card lists the names.

    The features are one-hot vectors, standardized to mean 0 and variance 1 for equally frequent labels. Plain zeros and
    ones are small beside codes of variance 1, so the encoder would keep writing the class into the code and the decoder
    would ignore the condition. Inside a graph, a label out of range gives NaN features, never a wrong image.

    Example:
        >>> Categorical(3).check([0, 2])
        array([0, 2], dtype=int32)
        >>> Categorical(["cat", "dog"]).check(["dog", "cat"])
        array([1, 0], dtype=int32)
    """

    least = 0  # smallest valid label

    def __init__(self, num_classes: int | list[str], vocabulary: list[str] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(num_classes, (list, tuple, np.ndarray)):
            vocabulary, num_classes = num_classes, len(num_classes)
        self.num_classes = check_size("num_classes", num_classes)
        self.size = self.num_classes
        self._vocabulary = None if vocabulary is None else self._checked_vocabulary(vocabulary)

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """The names of the values, given or learned by `fit`; `None` without names."""
        return self._vocabulary

    def call(self, values):
        labels = tf.reshape(tf.cast(values, tf.int32), [-1])
        known = tf.logical_and(labels >= 0, labels < self.num_classes)[:, tf.newaxis]
        mean = 1 / self.num_classes
        deviation = math.sqrt(mean * (1 - mean)) or 1.0  # a single class has no information
        # tf.one_hot without the ONE_HOT operation, which LiteRT for microcontrollers lacks; `==` would become it.
        low, high = (np.float32([0, 1]) - np.float32(mean)) / np.float32(deviation)
        features = tf.where(labels[:, tf.newaxis] != tf.range(self.num_classes), low, high)
        return tf.where(known, features, tf.constant(float("nan")))

    def check(self, values: Any, num: int | None = None, name: str = "condition") -> Any:
        values = _labels(values, name)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim == 2 and values.shape[1] == self.num_classes:
            raise ValueError(
                f"`{name}` must have one label per example; for one-hot labels, pass labels.argmax(axis=1). "
                f"Received: an array of shape {values.shape}"
            )
        values = repeat_single(values, num, name, rank=1)
        if values.dtype.kind in "USO":
            values = self._numbers(values, name)
        if values.dtype.kind not in "iu" and not (values.dtype.kind == "f" and np.all(values == np.round(values))):
            found = "NaN" if values.dtype.kind == "f" and np.isnan(values).any() else f"dtype {values.dtype}"
            raise ValueError(f"`{name}` must hold integer labels. Received: {found}")
        wrong = np.flatnonzero((values < self.least) | (values >= self.num_classes))
        if wrong.size:
            raise ValueError(f"{self._wanted(name)} Received: {values[wrong[0]]} at row {wrong[0]}")
        return values.astype(np.int32)

    def learn_names(self, values: Any, name: str = "condition") -> None:
        if self.vocabulary is not None:
            return
        values = _labels(values, name)
        if values.dtype.kind not in "USO":
            return
        names = sorted({text for text in map(_text, values.ravel()) if text is not None})
        if len(names) != self.num_classes:
            raise ValueError(
                f"`{name}` must contain all {self.num_classes} classes so that their names can be learned; or pass "
                f"the names: Categorical([...]). Received: {len(names)} different labels, {_some(names)}"
            )
        self._vocabulary = self._checked_vocabulary(names)

    def check_spec(self, spec: Any, name: str = "condition") -> None:
        named = getattr(spec, "dtype", None) == tf.string
        if named and self.vocabulary is None:
            raise ValueError(
                f"`{name}` must be numbers [B] or [B, 1] in a stream; for names, pass all of them: "
                f"Categorical([...]). Received: {spec}"
            )
        rank = getattr(getattr(spec, "shape", None), "rank", None)
        if rank == 2 and spec.shape[1] == self.num_classes > 1:
            raise ValueError(
                f"`{name}` must be numbers [B] or [B, 1] in a stream; for one-hot labels, pass "
                f"tf.argmax(labels, axis=-1). Received: {spec}"
            )
        check_tensor_spec(tf.TensorSpec(spec.shape, tf.int32) if named else spec, name, 1)

    def guard(self, values: Any, name: str = "condition") -> Any:
        if values.dtype == tf.string:
            same = tf.reshape(values, [-1, 1]) == tf.constant(self.vocabulary)
            labels = tf.where(tf.reduce_any(same, axis=1), tf.argmax(same, axis=1, output_type=tf.int32), -2)
            wanted = f"`{name}` must be one of {_some(self.vocabulary)}."
            return require(labels, labels >= 0, wanted)
        known = tf.logical_and(values >= self.least, values < self.num_classes)
        if values.dtype.is_floating:
            known = tf.logical_and(known, values == tf.floor(values))
        return require(values, known, self._wanted(name), values)

    def spec(self) -> tuple[str, tuple]:
        return "int32", ()

    def get_config(self):
        vocabulary = None if self.vocabulary is None else list(self.vocabulary)
        return {**super().get_config(), "num_classes": self.num_classes, "vocabulary": vocabulary}

    def _wanted(self, name):
        return f"`{name}` must hold labels in [0, {self.num_classes})."

    def _checked_vocabulary(self, names):
        names = [str(name) if isinstance(name, str) else name for name in names]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) != self.num_classes:
            raise ValueError(
                f"`vocabulary` must be {self.num_classes} different names, one per class. Received: {names[:10]!r}"
            )
        return tuple(names)

    def _numbers(self, values, name):
        """Returns the indices of string labels [N]; -1 for missing ones."""
        texts = [_text(value) for value in values]
        if self.vocabulary is None:
            first = next((value for value, text in zip(values, texts, strict=True) if text is not None), None)
            raise ValueError(
                f"`{name}` must hold integer labels or known names: pass the names to Categorical([...]), or let `fit` "
                f"learn them. Received: {first!r}"
            )
        numbers = {None: -1, **{text: number for number, text in enumerate(self.vocabulary)}}
        for row, text in enumerate(texts):
            if text not in numbers or (text is None and self.least == 0):
                received = "no label" if text is None else repr(text)
                raise ValueError(f"`{name}` must be one of {_some(self.vocabulary)}. Received: {received} at row {row}")
        return np.array([numbers[text] for text in texts], np.int32)


@keras.saving.register_keras_serializable(package="keras_ae")
class PartlyKnown(Categorical):
    """Validates labels of which some are unknown: -1, or a missing value among string labels.

    For training labels only. The features of an unknown label are NaN, so networks must receive known labels.

    Example:
        >>> PartlyKnown(3).check([0, -1, 2])
        array([ 0, -1,  2], dtype=int32)
    """

    least = -1

    def _wanted(self, name):
        return f"`{name}` must hold labels in [0, {self.num_classes}), or -1 if unknown."


def _labels(values, name):
    """Returns labels as an array; a table must have a single column, of any type."""
    if hasattr(values, "iloc") and hasattr(values, "columns") and len(values.columns) == 1:
        values = values.iloc[:, 0]
    return as_array(values, name)


def _text(value):
    """Returns a name as a string; `None` for a missing value."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or isinstance(value, str):
        return str(value) if value else None
    missing = value != value  # NaN and its pandas equivalents
    return None if missing is not False and str(value) in ("nan", "<NA>", "NaT") else str(value)


def _some(names, num=20):
    more = f" and {len(names) - num} more" if len(names) > num else ""
    return ", ".join(repr(str(name)) for name in names[:num]) + more
