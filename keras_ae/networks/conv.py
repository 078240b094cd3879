import math

import keras
import tensorflow as tf

from keras_ae.networks.convolutional import Convolutional, build_chain, with_context


@keras.saving.register_keras_serializable(package="keras_ae")
class ConvEncoder(Convolutional):
    """Convolutions of stride 2, for sequences, images and volumes of any size and number of channels.

    Args:
        filters: channels of each layer; every layer halves the length of each axis, rounding up.
        kernel_size: length of the kernels along each axis.
        activation: activation of every layer, as Keras names them.

    Inputs are [B, T, C], [B, H, W, C] or [B, D, H, W, C], or a list of these and [B, F] with context, which becomes F
    constant channels; the output is [B, H' * W' * filters[-1]] for images, and so on.

    Example:
        >>> import numpy as np
        >>> ConvEncoder([8, 16])(np.zeros([4, 28, 28, 1])).shape
        TensorShape([4, 784])
        >>> ConvEncoder([8, 16])(np.zeros([4, 100, 3])).shape
        TensorShape([4, 400])
    """

    def __init__(self, filters=(32, 64), *, kernel_size=3, activation="relu", **kwargs):
        super().__init__(filters, kernel_size=kernel_size, activation=activation, **kwargs)

    def stage(self, axes, filters):
        """The layers of one stage."""
        return [self.halving(axes, filters)]

    def build(self, input_shape):
        conditional = isinstance(input_shape[0], (list, tuple))
        shape = tuple(input_shape[0] if conditional else input_shape)
        axes = self.check_axes(shape[1:], "takes")
        shape = (*shape[:-1], shape[-1] + (input_shape[1][-1] if conditional else 0))
        self.layers = [layer for filters in self.filters for layer in self.stage(axes, filters)]
        self.output_size = math.prod(build_chain(self.layers, shape)[1:])

    def call(self, inputs):
        features = with_context(*inputs) if isinstance(inputs, (list, tuple)) else inputs
        for layer in self.layers:
            features = layer(features)
        return tf.reshape(features, [-1, self.output_size])


@keras.saving.register_keras_serializable(package="keras_ae")
class ConvDecoder(Convolutional):
    """Transposed convolutions of stride 2: the mirror image of `ConvEncoder`.

    Args:
        filters: channels of each layer, as in the encoder; they are used from the last to the first.
        kernel_size: length of the kernels along each axis.
        activation: activation of every layer, as Keras names them.

    Inputs are [B, D], or [[B, D], [B, F]] with context; the output is [B, H, W, filters[0]] for images, where H and W
    are those of the event shape given to `build`, and so on.
    """

    def __init__(self, filters=(32, 64), *, kernel_size=3, activation="relu", **kwargs):
        super().__init__(filters, kernel_size=kernel_size, activation=activation, **kwargs)

    def stage(self, axes, filters):
        """The layers of one stage."""
        return [self.doubling(axes, filters)]

    def build(self, input_shape, event_shape):
        axes = self.check_axes(event_shape, "gives")
        conditional = isinstance(input_shape[0], (list, tuple))
        width = sum(shape[-1] for shape in input_shape) if conditional else input_shape[-1]
        self.lengths = tuple(event_shape[:-1])
        shrink = 2 ** len(self.filters)
        self.start = (*(-(-length // shrink) for length in self.lengths), self.filters[-1])
        self.dense = keras.layers.Dense(math.prod(self.start), self.activation)
        self.dense.build((None, width))
        self.layers = [layer for filters in reversed(self.filters) for layer in self.stage(axes, filters)]
        build_chain(self.layers, (None, *self.start))

    def call(self, inputs):
        codes = tf.concat(inputs, axis=-1) if isinstance(inputs, (list, tuple)) else inputs
        features = tf.reshape(self.dense(codes), [-1, *self.start])
        for layer in self.layers:
            features = layer(features)
        return features[(slice(None), *map(slice, self.lengths))]
