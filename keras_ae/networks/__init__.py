"""Networks: tensor to features. They know nothing of distributions.

A network is called with one tensor, or with `[tensor, context]` in a conditional model, where context [B, F] are the
features of the condition. Your own `keras.Model` or layer serves as well, if it takes the same inputs.
"""

import keras

from keras_ae.names import resolve
from keras_ae.networks.conv import ConvDecoder, ConvEncoder
from keras_ae.networks.convolutions import has_convolutions
from keras_ae.networks.mlp import MLP

ENCODERS = {"mlp": MLP, "conv": ConvEncoder}
DECODERS = {"mlp": MLP, "conv": ConvDecoder}

__all__ = ["DECODERS", "ENCODERS", "MLP", "ConvDecoder", "ConvEncoder", "get", "has_convolutions"]


def get(argument, value):
    """The network for an argument, the `"decoder"` or one that sees x: a short name or a Keras layer or model."""
    return resolve(argument, value, DECODERS if argument == "decoder" else ENCODERS, keras.layers.Layer)
