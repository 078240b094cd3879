import keras
import tensorflow as tf


class Discriminator(keras.layers.Layer):
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

    def build(self, input_shape):
        try:
            if not self.network.built:
                self.network.build(input_shape)
            features = self.network(keras.KerasTensor(input_shape))
        except (TypeError, ValueError) as error:
            raise ValueError(f"`discriminator` must take inputs of shape {input_shape}: {error}") from error
        self.flatten.build(features.shape)
        self.head.build(self.flatten(features).shape)

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
