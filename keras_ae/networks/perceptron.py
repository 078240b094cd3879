import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.parts import Checkpointed
from keras_ae.validation.arguments import check_widths


class Perceptron(Checkpointed, ArgumentGuard, keras.layers.Layer):
    """Base class of fully connected networks: hidden layers over the flattened input, concatenated with the context.

    Args:
        hidden: the width of each hidden layer, in order.
        layer: function that makes a layer from a width and a `dtype`.
    """

    def __init__(self, hidden: Sequence[int], layer: Callable, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden = check_widths("hidden", hidden)
        self.layers = [layer(width, dtype=self.dtype_policy) for width in self.hidden]

    def build(self, input_shape):
        shapes = [input_shape] if _is_shape(input_shape) else input_shape
        given = sum(math.prod(shape[1:]) for shape in shapes)
        for layer, width in zip(self.layers, self.hidden, strict=True):
            layer.build((None, given))
            given = width

    def call(self, inputs):
        tensors = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        features = tf.concat([tf.reshape(t, [-1, math.prod(t.shape[1:])]) for t in tensors], axis=-1)
        for layer in self.layers:
            features = layer(features)
        return features

    def get_config(self):
        return {**super().get_config(), "hidden": list(self.hidden)}


def _is_shape(shape):
    return all(size is None or isinstance(size, int) for size in shape)
