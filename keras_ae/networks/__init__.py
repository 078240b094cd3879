"""Networks: tensor to features. They know nothing of distributions.

A network is called with one tensor, or with `[tensor, context]` in a conditional model, where context [B, F] are the
features of the condition. Your own `keras.Model` or layer serves as well, if it takes the same inputs.
"""

import keras

from keras_ae.names import resolve
from keras_ae.networks.conv import ConvDecoder, ConvEncoder
from keras_ae.networks.discriminator import Discriminator
from keras_ae.networks.first_values import FirstValues
from keras_ae.networks.mlp import MLP

ENCODERS = {"mlp": MLP, "conv": ConvEncoder}
DECODERS = {"mlp": MLP, "conv": ConvDecoder}
# Leaky: a unit of a discriminator that is off for all that it is shown would tell the other side nothing.
DISCRIMINATORS = {
    "mlp": lambda: MLP(activation="leaky_relu"),
    "conv": lambda: ConvEncoder(activation="leaky_relu"),
}

__all__ = [
    "DECODERS", "DISCRIMINATORS", "ENCODERS", "MLP", "ConvDecoder", "ConvEncoder", "Discriminator", "FirstValues",
    "get",
]  # fmt: skip


def get(argument, value):
    """The network for an argument, `"encoder"`, `"decoder"` or `"discriminator"`: a short name or a Keras layer."""
    tables = {"encoder": ENCODERS, "decoder": DECODERS, "discriminator": DISCRIMINATORS}
    return resolve(argument, value, tables[argument], keras.layers.Layer)
