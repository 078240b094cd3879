"""The argument `class_weight` of `fit`."""

import keras
import numpy as np
import tensorflow as tf

from keras_ae.training.dataset_checks import mapped
from keras_ae.training.input_pipeline import Arrays
from keras_ae.training.streams import as_keras, rechecked


class ClassWeights:
    """A function of (x, condition, weight) that weights each example by its class.

    Args:
        weights: dictionary of classes to weights >= 0; missing classes have weight 1.
        vocabulary: names of the classes in the order of their indices, if classes may be given by name.
    """

    def __init__(self, weights, vocabulary=None):
        if isinstance(weights, dict) and vocabulary:
            weights = {vocabulary.index(key) if key in vocabulary else key: value for key, value in weights.items()}
        known = isinstance(weights, dict) and all(_is_number(value, "iuf") for value in weights.values())
        if not (known and all(_is_number(label, "iu") for label in weights)):
            raise ValueError(f"`class_weight` must be a dictionary of class to weight. Received: {weights!r}")
        self.labels, self.values = np.array([*weights], np.int32), np.array([*weights.values()], np.float32)
        if not (np.isfinite(self.values) & (self.values >= 0)).all():
            raise ValueError(f"`class_weight` must have weights of 0 or more. Received: {weights!r}")

    def __call__(self, x, condition, weight):
        if weight is not None:
            raise ValueError("Give `class_weight` or `sample_weight`, not both.")
        if not hasattr(condition, "dtype") or not keras.backend.is_int_dtype(condition.dtype):
            raise ValueError("`class_weight` needs classes, given as the condition `y` of a conditional model.")
        in_graph = (tf.reshape, tf.where, tf.reduce_sum)
        reshape, where, total = in_graph if tf.is_tensor(condition) else (np.reshape, np.where, np.sum)
        labels = self.labels.astype(keras.backend.standardize_dtype(condition.dtype))
        same, zero, one = reshape(condition, [-1, 1]) == labels, np.float32(0), np.float32(1)  # [N, classes]
        unnamed = one - total(where(same, one, zero), axis=1)
        return x, condition, unnamed + total(where(same, self.values, zero), axis=1)

    def of(self, source):
        """Adds the weights to a checked source of examples without weights."""
        if isinstance(source, Arrays):
            return Arrays(*self(*source))
        if not isinstance(source, tf.data.Dataset):
            return rechecked(source, self, as_keras)
        return mapped(source, tf.autograph.experimental.do_not_convert(self.__call__))


def _is_number(value, kinds):
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in kinds
