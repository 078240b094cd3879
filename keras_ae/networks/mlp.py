import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.networks.building import check_activation
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


@keras.saving.register_keras_serializable(package="keras_ae")
class MLP(Perceptron):
    """A multilayer perceptron: fully connected hidden layers over the flattened input.

    Args:
        hidden: the width of each hidden layer, in order.
        activation: activation of every hidden layer, as Keras names them.

    Inputs are [B, ...], or [[B, ...], [B, F]] with context; the output is [B, hidden[-1]].

    Example:
        >>> import numpy as np
        >>> MLP([32, 16])(np.zeros([4, 28, 28, 1])).shape
        TensorShape([4, 16])
    """

    def __init__(self, hidden: Sequence[int] = (200, 200), *, activation: str = "relu", **kwargs: Any):
        check_activation(activation)
        super().__init__(hidden, functools.partial(keras.layers.Dense, activation=activation), **kwargs)
        self.activation = activation

    def get_config(self):
        return {**super().get_config(), "activation": self.activation}


@keras.saving.register_keras_serializable(package="keras_ae")
class GatedMLP(Perceptron):
    """A multilayer perceptron of gated linear layers over the flattened input: h' = (V h + b) * sigmoid(W h + c).

    Args:
        hidden: the width of each hidden layer, in order; the paper uses two of 300.

    Inputs are [B, ...], or [[B, ...], [B, F]] with context; the output is [B, hidden[-1]].

    Example:
        >>> import numpy as np
        >>> GatedMLP([32, 16])(np.zeros([4, 28, 28, 1])).shape
        TensorShape([4, 16])

    References:
        Tomczak and Welling 2018, arXiv:1705.07120, section 4 and appendix; Dauphin, Fan, Auli and Grangier 2017,
        arXiv:1612.08083, equation 1.
    """

    def __init__(self, hidden: Sequence[int] = (300, 300), **kwargs: Any):
        super().__init__(hidden, _gated, **kwargs)


def _gated(width, dtype):
    """Both linear maps in one layer: V and b are the first half of its kernel and bias, W and c the second."""
    return keras.layers.Dense(2 * width, keras.activations.glu, dtype=dtype)


def _is_shape(shape):
    return all(size is None or isinstance(size, int) for size in shape)
