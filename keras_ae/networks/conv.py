import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.keras_internals import layers_in
from keras_ae.networks.building import check_activation
from keras_ae.parts import Checkpointed
from keras_ae.validation.arguments import check_size, check_widths

_KINDS = "sequences [T, C], images [H, W, C] or volumes [D, H, W, C]"
_CONVOLUTIONS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
_TRANSPOSED = {1: keras.layers.Conv1DTranspose, 2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}


class Convolutional(Checkpointed, ArgumentGuard, keras.layers.Layer):
    """Base class of convolutional networks for sequences [T, C], images [H, W, C] and volumes [D, H, W, C].

    Each of `filters` is a stage, which halves or doubles the length of every axis except the channels.

    Args:
        filters: number of channels of each stage.
        kernel_size: length of the kernels along each axis.
        activation: activation of every layer, as Keras names them.
    """

    def __init__(
        self, filters: Sequence[int] = (32, 64), *, kernel_size: int = 3, activation: str = "relu", **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.filters = check_widths("filters", filters)
        self.kernel_size = check_size("kernel_size", kernel_size)
        self.activation = check_activation(activation)

    def check_axes(self, event_shape: tuple, verb: str) -> int:
        """Returns the number of axes besides the channels: 1, 2 or 3.

        Raises:
            ValueError: for examples of another shape.
        """
        axes = len(event_shape) - 1
        if axes not in _CONVOLUTIONS:
            name = type(self).__name__
            raise ValueError(f"`{name}` {verb} {_KINDS}. Received: examples of shape {tuple(event_shape)}")
        return axes

    def halving(self, axes: int, filters: int) -> keras.layers.Layer:
        """A convolution of stride 2."""
        return self._layer(_CONVOLUTIONS[axes], filters)

    def doubling(self, axes: int, filters: int) -> keras.layers.Layer:
        """A transposed convolution of stride 2."""
        return self._layer(_TRANSPOSED[axes], filters)

    def residual_block(self, axes: int) -> "ResidualBlock":
        """Returns a block that keeps the size and the number of channels."""

        def convolution(channels, activation, initializer):
            options = {"activation": activation, "kernel_initializer": initializer, "dtype": self.dtype_policy}
            return _CONVOLUTIONS[axes](channels, self.kernel_size, padding="same", **options)

        return ResidualBlock(convolution, self.activation, dtype=self.dtype_policy)

    def _layer(self, cls, filters):
        options = {"activation": self.activation, "dtype": self.dtype_policy}
        return cls(filters, self.kernel_size, strides=2, padding="same", **options)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": list(self.filters),
            "kernel_size": self.kernel_size,
            "activation": self.activation,
        }


def build_chain(layers: list[keras.layers.Layer], shape: tuple) -> tuple:
    """Builds layers in sequence and returns the output shape of the last one."""
    for layer in layers:
        layer.build(shape)
        shape = tuple(layer.compute_output_shape(shape))
    return shape


def with_context(x: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
    """Returns examples with the features of the condition [B, F] as F constant channels."""
    ones = tf.ones_like(x[..., :1])
    planes = tf.reshape(context, [-1, *[1] * (len(x.shape) - 2), context.shape[-1]])
    return tf.concat([x, ones * planes], axis=-1)


class ResidualBlock(keras.layers.Layer):
    """y = activation(x + F(x)), with F two convolutions that keep size and channels, an activation between them.

    The second convolution starts at zero: for x >= 0, as after a ReLU, the block starts as the identity. So it needs no
    batch normalization, which would make an example depend on the rest of the batch.

    Args:
        convolution: function of (channels, activation, initializer of the kernel) to a layer.
        activation: as Keras names them.

    References:
        He, Zhang, Ren and Sun 2016, arXiv:1512.03385, equation 1; Zhang, Dauphin and Ma 2019, arXiv:1901.09321, for the
        start at zero.
    """

    def __init__(self, convolution: Callable, activation: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.convolution = convolution
        self.last = keras.layers.Activation(activation, dtype=self.dtype_policy)

    def build(self, input_shape):
        channels = input_shape[-1]
        self.layers = [
            self.convolution(channels, self.last.activation, "glorot_uniform"),
            self.convolution(channels, None, "zeros"),
        ]
        for layer in self.layers:
            layer.build(input_shape)

    def call(self, x):
        change = x
        for layer in self.layers:
            change = layer(change)
        return self.last(x + change)

    def compute_output_shape(self, input_shape):
        return input_shape


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

    def stage(self, axes: int, filters: int) -> list[keras.layers.Layer]:
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
    are the height and width of the event shape given to `build`, and so on.
    """

    def stage(self, axes: int, filters: int) -> list[keras.layers.Layer]:
        """The layers of one stage."""
        return [self.doubling(axes, filters)]

    def build(self, input_shape, event_shape):
        axes = self.check_axes(event_shape, "gives")
        conditional = isinstance(input_shape[0], (list, tuple))
        width = sum(shape[-1] for shape in input_shape) if conditional else input_shape[-1]
        self.lengths = tuple(event_shape[:-1])
        shrink = 2 ** len(self.filters)
        self.start = (*(-(-length // shrink) for length in self.lengths), self.filters[-1])
        self.dense = keras.layers.Dense(math.prod(self.start), self.activation, dtype=self.dtype_policy)
        self.dense.build((None, width))
        self.layers = [layer for filters in reversed(self.filters) for layer in self.stage(axes, filters)]
        build_chain(self.layers, (None, *self.start))

    def call(self, inputs):
        codes = tf.concat(inputs, axis=-1) if isinstance(inputs, (list, tuple)) else inputs
        features = tf.reshape(self.dense(codes), [-1, *self.start])
        for layer in self.layers:
            features = layer(features)
        return features[(slice(None), *map(slice, self.lengths))]


_CONVOLUTIONAL = (
    Convolutional,  # whose layers are made when it is built
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


def has_convolutions(network: keras.layers.Layer) -> bool:
    """Whether a network is a convolution or contains one at any depth."""
    return any(isinstance(layer, _CONVOLUTIONAL) for layer in layers_in(network))
