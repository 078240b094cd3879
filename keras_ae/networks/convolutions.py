import keras

from keras_ae.networks.convolutional import Convolutional

_CONVOLUTIONS = (
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


def has_convolutions(network):
    """Whether a network is a convolution, or has one among its layers and theirs, however deep."""
    return any(isinstance(layer, _CONVOLUTIONS) for layer in network._flatten_layers())
