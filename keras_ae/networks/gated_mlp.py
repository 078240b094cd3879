from collections.abc import Sequence
from typing import Any

import keras

from keras_ae.networks.perceptron import Perceptron


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
