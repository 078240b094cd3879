from typing import Any

import keras

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.networks.building import build_network
from keras_ae.parts import Wrapper
from keras_ae.validation.arguments import check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class FirstValues(ArgumentGuard, Wrapper):
    """A network that sees only the first dimensions of a code, such as the lowest layer of a hierarchy.

    Args:
        network: network from codes [B, size] to features, or from [codes, context] in a conditional model.
        size: number of dimensions that it sees.

    Example:
        >>> import numpy as np
        >>> from keras_ae.networks import MLP
        >>> network = FirstValues(MLP([5]), 3)
        >>> network.build((None, 8))
        >>> network(np.zeros([4, 8])).shape
        TensorShape([4, 5])
    """

    def __init__(self, network: keras.layers.Layer, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.layers = [network]
        self.size = check_size("size", size)

    @property
    def wrapped(self) -> keras.layers.Layer:
        return self.layers[0]

    def build(self, input_shape, event_shape=None):
        conditional = isinstance(input_shape[0], (list, tuple))
        first = (None, self.size)
        shapes = [first, input_shape[1]] if conditional else first
        build_network("network", self.layers[0], shapes, event_shape)

    def call(self, inputs, training=False):
        (network,) = self.layers
        if isinstance(inputs, (list, tuple)):
            return network([inputs[0][:, : self.size], inputs[1]], training=training)
        return network(inputs[:, : self.size], training=training)

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.layers[0])
        return {**super().get_config(), "network": network, "size": self.size}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})
