"""Networks: Keras layers that map a tensor to features. They know nothing of distributions.

A network is called with one tensor, or with `[tensor, context]` in a conditional model, where context [B, F] holds the
features of the condition. Any `keras.Model` or layer with these inputs works as a network.
"""

import functools

import keras

from keras_ae.networks.building import build_network
from keras_ae.networks.conv import ConvDecoder, ConvEncoder, has_convolutions
from keras_ae.networks.discriminator import Discriminator
from keras_ae.networks.first_values import FirstValues
from keras_ae.networks.mlp import MLP, GatedMLP
from keras_ae.networks.resnet import ResNetDecoder, ResNetEncoder
from keras_ae.registry import resolve

ENCODERS = {"mlp": MLP, "gated_mlp": GatedMLP, "conv": ConvEncoder, "resnet": ResNetEncoder}
# A short name, or a custom layer.
Network = str | keras.layers.Layer
DECODERS = {"mlp": MLP, "gated_mlp": GatedMLP, "conv": ConvDecoder, "resnet": ResNetDecoder}
# Leaky: a discriminator's unit that is off for all inputs would give its opponent no gradient.
DISCRIMINATORS = {
    "mlp": functools.partial(MLP, activation="leaky_relu"),
    "conv": functools.partial(ConvEncoder, activation="leaky_relu"),
}

__all__ = [
    "DECODERS", "DISCRIMINATORS", "ENCODERS", "MLP", "ConvDecoder", "ConvEncoder", "Discriminator", "FirstValues",
    "GatedMLP", "ResNetDecoder", "ResNetEncoder", "build_network", "get", "has_convolutions",
]  # fmt: skip


def get(argument: str, value: Network) -> keras.layers.Layer:
    """Returns the network for an argument ("encoder", "decoder" ...), given as a name or a Keras layer."""
    table = {"decoder": DECODERS, "discriminator": DISCRIMINATORS}.get(argument, ENCODERS)
    return resolve(argument, value, table, keras.layers.Layer)
