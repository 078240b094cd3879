"""Networks: tensor to features. They know nothing of distributions.

A network is called with one tensor, or with `[tensor, context]` in a conditional model, where context [B, F] are the
features of the condition. Your own `keras.Model` or layer serves as well, if it takes the same inputs.
"""

import keras

from keras_ae.names import resolve
from keras_ae.networks.conv import ConvDecoder, ConvEncoder
from keras_ae.networks.convolutions import has_convolutions
from keras_ae.networks.gated_mlp import GatedMLP
from keras_ae.networks.mlp import MLP
from keras_ae.networks.resnet import ResNetDecoder, ResNetEncoder

ENCODERS = {"mlp": MLP, "gated_mlp": GatedMLP, "conv": ConvEncoder, "resnet": ResNetEncoder}
DECODERS = {"mlp": MLP, "gated_mlp": GatedMLP, "conv": ConvDecoder, "resnet": ResNetDecoder}

__all__ = [
    "DECODERS", "ENCODERS", "MLP", "ConvDecoder", "ConvEncoder", "GatedMLP", "ResNetDecoder", "ResNetEncoder", "get",
    "has_convolutions",
]  # fmt: skip


def get(argument, value):
    """The network for an argument, the `"decoder"` or one that sees x: a short name or a Keras layer or model."""
    return resolve(argument, value, DECODERS if argument == "decoder" else ENCODERS, keras.layers.Layer)
