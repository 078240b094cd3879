import keras
import tensorflow as tf

from keras_ae.checks import check_size, check_widths


class _Conv(keras.layers.Layer):
    """What the two convolutional networks share: their arguments."""

    def __init__(self, filters=(32, 64), *, kernel_size=3, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.filters = check_widths("filters", filters)
        self.kernel_size = check_size("kernel_size", kernel_size)
        self.activation = activation

    def get_config(self):
        return {
            **super().get_config(),
            "filters": list(self.filters),
            "kernel_size": self.kernel_size,
            "activation": self.activation,
        }


@keras.saving.register_keras_serializable(package="keras_ae")
class ConvEncoder(_Conv):
    """Convolutions of stride 2, for images of any height, width and number of channels.

    Args:
        filters: channels of each layer; every layer halves height and width, rounding up.
        kernel_size: side of the kernels, in pixels.
        activation: activation of every layer, as Keras names them.

    Inputs are [B, H, W, C], or [[B, H, W, C], [B, F]] with context, which becomes F constant channels; the output is
    [B, H' * W' * filters[-1]].

    Example:
        >>> import numpy as np
        >>> ConvEncoder([8, 16])(np.zeros([4, 28, 28, 1])).shape
        TensorShape([4, 784])
    """

    def __init__(self, filters=(32, 64), *, kernel_size=3, activation="relu", **kwargs):
        super().__init__(filters, kernel_size=kernel_size, activation=activation, **kwargs)
        self.layers = [
            keras.layers.Conv2D(n, self.kernel_size, strides=2, padding="same", activation=activation)
            for n in self.filters
        ]

    def build(self, input_shape):
        conditional = isinstance(input_shape[0], (list, tuple))
        shape = tuple(input_shape[0] if conditional else input_shape)
        if len(shape) != 4:
            raise ValueError(f"`ConvEncoder` takes images [H, W, C]. Received: examples of shape {shape[1:]}")
        shape = (*shape[:3], shape[3] + (input_shape[1][-1] if conditional else 0))
        for layer in self.layers:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.output_size = shape[1] * shape[2] * shape[3]

    def call(self, inputs):
        if isinstance(inputs, (list, tuple)):
            images, context = inputs
            planes = tf.ones_like(images[..., :1]) * context[:, tf.newaxis, tf.newaxis, :]
            features = tf.concat([images, planes], axis=-1)
        else:
            features = inputs
        for layer in self.layers:
            features = layer(features)
        return tf.reshape(features, [-1, self.output_size])


@keras.saving.register_keras_serializable(package="keras_ae")
class ConvDecoder(_Conv):
    """Transposed convolutions of stride 2: the mirror image of `ConvEncoder`.

    Args:
        filters: channels of each layer, as in the encoder; they are used from the last to the first.
        kernel_size: side of the kernels, in pixels.
        activation: activation of every layer, as Keras names them.

    Inputs are [B, D], or [[B, D], [B, F]] with context; the output is [B, H, W, filters[0]], where H and W are those of
    the event shape given to `build`.
    """

    def __init__(self, filters=(32, 64), *, kernel_size=3, activation="relu", **kwargs):
        super().__init__(filters, kernel_size=kernel_size, activation=activation, **kwargs)
        self.layers = [
            keras.layers.Conv2DTranspose(n, self.kernel_size, strides=2, padding="same", activation=activation)
            for n in reversed(self.filters)
        ]

    def build(self, input_shape, event_shape):
        if len(event_shape) != 3:
            raise ValueError(f"`ConvDecoder` gives images [H, W, C]. Received: examples of shape {tuple(event_shape)}")
        conditional = isinstance(input_shape[0], (list, tuple))
        width = sum(shape[-1] for shape in input_shape) if conditional else input_shape[-1]
        self.image_size = tuple(event_shape[:2])
        shrink = 2 ** len(self.filters)
        self.start = (*(-(-side // shrink) for side in self.image_size), self.filters[-1])
        self.dense = keras.layers.Dense(self.start[0] * self.start[1] * self.start[2], self.activation)
        self.dense.build((None, width))
        shape = (None, *self.start)
        for layer in self.layers:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, inputs):
        codes = tf.concat(inputs, axis=-1) if isinstance(inputs, (list, tuple)) else inputs
        features = tf.reshape(self.dense(codes), [-1, *self.start])
        for layer in self.layers:
            features = layer(features)
        return features[:, : self.image_size[0], : self.image_size[1], :]
