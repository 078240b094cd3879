from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ae.latents.bijectors.starts import hidden_options, small_outputs


class MaskedMLP(keras.layers.Layer):
    """Masked autoregressive network (MADE): outputs for value i depend only on the values before i and on a context.

    Hidden units are tanh: bounded outputs keep the inverse of a flow finite for codes far from the training codes.
    Inputs are z [..., D * width] and a context [B, F] or `None`. The outputs are `outputs` tensors [..., D].

    Args:
        hidden: the width of each hidden layer.
        width: number of adjacent entries of z that represent one value.
        outputs: number of outputs per value.
        zero: whether all outputs are zero at the start; otherwise they are small.

    References:
        Germain, Gregor, Murray and Larochelle 2015, arXiv:1502.03509, equations 12 and 13, here with hidden units of
        degree 0 as well, which depend on the context alone.
    """

    def __init__(self, hidden: Sequence[int], *, width: int = 1, outputs: int = 2, zero: bool = True, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.hidden, self.width, self.outputs, self.zero = hidden, width, outputs, zero

    def build(self, latent_dim, context_size=0):
        values = np.arange(1, latent_dim + 1)
        degrees = np.repeat(values, self.width)
        self.masks, self.kernels, self.biases = [], [], []
        for width in self.hidden:
            wider = np.arange(width) * latent_dim // width  # 0 ... D - 1
            self._add_layer(degrees, wider, np.less_equal, *hidden_options().values())
            degrees = wider
        outputs = np.tile(values, self.outputs)
        last = keras.initializers.Zeros() if self.zero else small_outputs()
        self._add_layer(degrees, outputs, np.less, last, "zeros")
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

    def _add_layer(self, before, after, compare, kernel, bias):
        number, mask = len(self.masks), compare(before[:, np.newaxis], after).astype("float32")
        # Initializers divide by the root of the number of inputs, but a unit has only the inputs that the mask keeps.
        scale = np.sqrt(len(before) / np.maximum(mask.sum(axis=0), 1.0)).astype("float32")

        def start(shape, dtype=None):
            return kernel(shape, dtype) * scale

        self.kernels.append(self.add_weight(name=f"kernel_{number}", shape=mask.shape, initializer=start))
        self.biases.append(self.add_weight(name=f"bias_{number}", shape=mask.shape[1:], initializer=bias))
        self.masks.append(mask)

    def _dense(self, number, x):
        kernel = tf.convert_to_tensor(self.kernels[number]) * self.masks[number]
        return tf.linalg.matmul(x, kernel) + tf.convert_to_tensor(self.biases[number])
