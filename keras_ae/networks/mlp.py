import keras
import tensorflow as tf

from keras_ae.checks import check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class MLP(keras.layers.Layer):
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

    def __init__(self, hidden=(200, 200), *, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.hidden = check_widths("hidden", hidden)
        self.activation = activation
        self.layers = [keras.layers.Dense(width, activation) for width in self.hidden]

    def build(self, input_shape):
        shapes = [input_shape] if _is_shape(input_shape) else input_shape
        width = sum(_size(shape[1:]) for shape in shapes)
        for layer in self.layers:
            layer.build((None, width))
            width = layer.units

    def call(self, inputs):
        tensors = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        features = tf.concat([tf.reshape(t, [-1, _size(t.shape[1:])]) for t in tensors], axis=-1)
        for layer in self.layers:
            features = layer(features)
        return features

    def get_config(self):
        return {**super().get_config(), "hidden": list(self.hidden), "activation": self.activation}


def _is_shape(shape):
    return all(size is None or isinstance(size, int) for size in shape)


def _size(shape):
    size = 1
    for length in shape:
        size *= length
    return size
