from typing import Any

import keras
import tensorflow as tf

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.networks.building import build_network
from keras_ae.parts import Wrapper


class Discriminator(ArgumentGuard, Wrapper):
    """A binary classifier of tensors: a network and a head with one logit, positive for the first class.

    An objective makes it from its argument `discriminator`.

    Args:
        network: network from a tensor [B, ...] to features.
    """

    def __init__(self, network: keras.layers.Layer, **kwargs: Any):
        super().__init__(**kwargs)
        self.network = network
        self.flatten = keras.layers.Flatten(dtype="float32")
        self.head = keras.layers.Dense(1, dtype="float32")

    @property
    def wrapped(self) -> keras.layers.Layer:
        return self.network

    def build(self, input_shape):
        features = build_network("discriminator", self.network, input_shape)
        self.flatten.build(features)
        self.head.build(self.flatten.compute_output_shape(features))

    def call(self, x, training=False):
        """Returns features [B, F] and logits [B] of x [B, ...], in float32."""
        features = self.flatten(self.network(x, training=training))
        return features, self.head(features)[:, 0]

    def frozen(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """As `call`, with gradients for x only: the weights and the layer's state stay constant."""
        trainable, others = (
            [tf.stop_gradient(variable.value) for variable in variables]
            for variables in (self.trainable_variables, self.non_trainable_variables)
        )
        return self.stateless_call(trainable, others, x, training=training)[0]
