import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.networks.building import build_network
from keras_ae.parts import Wrapper


class Discriminator(ArgumentGuard, Wrapper):
    """A network with a head, which tells two kinds of tensors apart by one logit: positive for the first kind.

    It is made of the argument `discriminator` of an objective, and is no argument itself.

    Args:
        network: network from a tensor [B, ...] to features.
    """

    def __init__(self, network, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.flatten = keras.layers.Flatten(dtype="float32")
        self.head = keras.layers.Dense(1, dtype="float32")

    @property
    def wrapped(self):
        return self.network

    def build(self, input_shape):
        features = build_network("discriminator", self.network, input_shape)
        self.flatten.build(features)
        self.head.build(self.flatten.compute_output_shape(features))

    def call(self, x, training=False):
        """Features [B, F] and logits [B] of x [B, ...], in float32."""
        features = self.flatten(self.network(x, training=training))
        return features, self.head(features)[:, 0]

    def frozen(self, x, training=False):
        """The same, with gradients for x alone: they stop at the weights, and nothing of the layer changes."""
        trainable, others = (
            [tf.stop_gradient(variable.value) for variable in variables]
            for variables in (self.trainable_variables, self.non_trainable_variables)
        )
        return self.stateless_call(trainable, others, x, training=training)[0]
