import keras
import tensorflow as tf

from keras_ae.building import Checkpointed
from keras_ae.checks import check_size, check_widths
from keras_ae.hyperparameters import Part
from keras_ae.networks.activation import check_activation
from keras_ae.networks.residual_block import ResidualBlock

_KINDS = "sequences [T, C], images [H, W, C] or volumes [D, H, W, C]"
_CONVOLUTIONS = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
_TRANSPOSED = {1: keras.layers.Conv1DTranspose, 2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}


class Convolutional(Checkpointed, Part, keras.layers.Layer):
    """Base of the convolutional networks, for sequences [T, C], images [H, W, C] and volumes [D, H, W, C].

    There is a stage for each of `filters`, which halves or doubles the length of every axis but that of the channels.

    Args:
        filters: channels of each stage.
        kernel_size: length of the kernels along each axis.
        activation: activation of every layer, as Keras names them.
    """

    def __init__(self, filters, *, kernel_size, activation, **kwargs):
        super().__init__(**kwargs)
        self.filters = check_widths("filters", filters)
        self.kernel_size = check_size("kernel_size", kernel_size)
        self.activation = check_activation(activation)

    def check_axes(self, event_shape, verb):
        """The number of axes beside the channels: 1, 2 or 3.

        Raises:
            ValueError: for examples of another shape.
        """
        axes = len(event_shape) - 1
        if axes not in _CONVOLUTIONS:
            name = type(self).__name__
            raise ValueError(f"`{name}` {verb} {_KINDS}. Received: examples of shape {tuple(event_shape)}")
        return axes

    def halving(self, axes, filters):
        """A convolution of stride 2."""
        return self._layer(_CONVOLUTIONS[axes], filters)

    def doubling(self, axes, filters):
        """A transposed convolution of stride 2."""
        return self._layer(_TRANSPOSED[axes], filters)

    def residual_block(self, axes):
        """A block that keeps the size and the channels of what it is given."""

        def convolution(channels, activation, initializer):
            return _CONVOLUTIONS[axes](
                channels, self.kernel_size, padding="same", activation=activation, kernel_initializer=initializer
            )

        return ResidualBlock(convolution, self.activation)

    def _layer(self, cls, filters):
        return cls(filters, self.kernel_size, strides=2, padding="same", activation=self.activation)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": list(self.filters),
            "kernel_size": self.kernel_size,
            "activation": self.activation,
        }


def build_chain(layers, shape):
    """Builds layers that follow each other, and returns the shape of what the last one gives."""
    for layer in layers:
        layer.build(shape)
        shape = tuple(layer.compute_output_shape(shape))
    return shape


def with_context(x, context):
    """Examples with the features of the condition [B, F] as F constant channels."""
    ones = tf.ones_like(x[..., :1])
    planes = tf.reshape(context, [-1, *[1] * (len(x.shape) - 2), context.shape[-1]])
    return tf.concat([x, ones * planes], axis=-1)
