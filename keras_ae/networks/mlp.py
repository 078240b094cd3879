import functools
from collections.abc import Sequence
from typing import Any

import keras

from keras_ae.networks.activation import check_activation
from keras_ae.networks.perceptron import Perceptron


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
