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
    """Whether a network is a convolution, or has one among its layers and theirs."""
    return isinstance(network, _CONVOLUTIONS) or any(has_convolutions(part) for part in getattr(network, "layers", ()))
