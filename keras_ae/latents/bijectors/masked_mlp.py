from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


class MaskedMLP(keras.layers.Layer):
    """Masked autoregressive network (MADE): outputs for value i depend only on the values before i and on a context.

    Hidden units are tanh: bounded outputs keep the inverse of a flow finite for codes far from the training codes.
    Inputs are z [..., D * width] and a context [B, F] or `None`. The outputs are `outputs` tensors [..., D], all zero
    at the start, so a flow starts as the identity.

    Args:
        hidden: the width of each hidden layer.
        width: number of adjacent entries of z that represent one value.
        outputs: number of outputs per value.

    References:
        Germain, Gregor, Murray and Larochelle 2015, arXiv:1502.03509, equations 12 and 13, here with hidden units of
        degree 0 as well, which depend on the context alone.
    """

    def __init__(self, hidden: Sequence[int], *, width: int = 1, outputs: int = 2, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.hidden, self.width, self.outputs = hidden, width, outputs

    def build(self, latent_dim, context_size=0):
        values = np.arange(1, latent_dim + 1)
        degrees = np.repeat(values, self.width)
        self.masks, self.kernels, self.biases = [], [], []
        for width in self.hidden:
            wider = np.arange(width) * latent_dim // width  # 0 ... D - 1
            self._add_layer(degrees, wider, np.less_equal, "glorot_uniform")
            degrees = wider
        outputs = np.tile(values, self.outputs)
        self._add_layer(degrees, outputs, np.less, "zeros")
        self.context_kernel = None
        if context_size:
            self.context_kernel = self.add_weight(name="context_kernel", shape=(context_size, self.hidden[0]))

    def call(self, z, context=None):
        features = self._dense(0, z)
        if context is not None:
            features += context @ tf.convert_to_tensor(self.context_kernel)  # [..., B, H] + [B, H]
        for number in range(1, len(self.masks)):
            features = self._dense(number, tf.tanh(features))
        return tf.split(features, self.outputs, axis=-1)

    def _add_layer(self, before, after, compare, initializer):
        number, shape = len(self.masks), (len(before), len(after))
        self.kernels.append(self.add_weight(name=f"kernel_{number}", shape=shape, initializer=initializer))
        self.biases.append(self.add_weight(name=f"bias_{number}", shape=shape[1:], initializer="zeros"))
        self.masks.append(compare(before[:, np.newaxis], after).astype("float32"))

    def _dense(self, number, x):
        kernel = tf.convert_to_tensor(self.kernels[number]) * self.masks[number]
        return tf.linalg.matmul(x, kernel) + tf.convert_to_tensor(self.biases[number])
