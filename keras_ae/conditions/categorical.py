import math

import keras
import numpy as np
import tensorflow as tf

from keras_ae.checks import check_size
from keras_ae.conditions.condition import Condition, check_tensor_spec, repeat_single
from keras_ae.guards import require


@keras.saving.register_keras_serializable(package="keras_ae")
class Categorical(Condition):
    """A property with finitely many values, numbered from 0: class, writer, style.

    Args:
        num_classes: how many values there are.

    The features are one-hot, standardised to mean 0 and variance 1 for labels that are equally frequent. Plain zeros
    and ones are easy to overlook beside codes of variance 1: the encoder goes on writing the class into the code, and
    the decoder reads it there, not in the condition. A label out of range gives NaN features inside a graph, never a
    wrong picture.

    Example:
        >>> Categorical(3).check([0, 2])
        array([0, 2], dtype=int32)
    """

    least = 0  # what a label must be at least

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = check_size("num_classes", num_classes)
        self.size = self.num_classes

    def call(self, values):
        labels = tf.reshape(tf.cast(values, tf.int32), [-1])
        known = tf.logical_and(labels >= 0, labels < self.num_classes)[:, tf.newaxis]
        mean = 1 / self.num_classes
        deviation = math.sqrt(mean * (1 - mean)) or 1.0  # a single class has nothing to tell
        features = (tf.one_hot(labels, self.num_classes) - mean) / deviation
        return tf.where(known, features, tf.constant(float("nan")))

    def check(self, values, num=None, name="condition"):
        values = np.asarray(values)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        values = repeat_single(values, num, name, rank=1)
        if values.dtype.kind not in "iu" and not (values.dtype.kind == "f" and np.all(values == np.round(values))):
            found = "NaN" if values.dtype.kind == "f" and np.isnan(values).any() else f"dtype {values.dtype}"
            raise ValueError(f"`{name}` must hold integer labels. Received: {found}")
        wrong = np.flatnonzero((values < self.least) | (values >= self.num_classes))
        if wrong.size:
            raise ValueError(f"{self._wanted(name)} Received: {values[wrong[0]]} at row {wrong[0]}")
        return values.astype(np.int32)

    def check_spec(self, spec, name="condition"):
        check_tensor_spec(spec, name, 1)

    def guard(self, values, name="condition"):
        known = tf.logical_and(values >= self.least, values < self.num_classes)
        if values.dtype.is_floating:
            known = tf.logical_and(known, values == tf.floor(values))
        return require(values, known, self._wanted(name), values)

    def specs(self):
        return {"condition": ("int32", ())}

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}

    def _wanted(self, name):
        return f"`{name}` must hold labels in [0, {self.num_classes})."
