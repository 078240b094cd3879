import keras
import tensorflow as tf


class Posterior(keras.layers.Layer):
    """Base of the posteriors: a head that turns the encoder's features into q(z|x).

    `call` gives the parameters as a tensor [B, P * D]; `distribution` turns them into a `tfd.Distribution` with batch
    shape [B] and event shape [D]; `mean` is the code that `encode` gives.
    """

    parameters_per_value = 1

    def build(self, input_shape, event_shape):
        self.event_shape = tuple(event_shape)
        width = 1
        for length in input_shape[1:]:
            width *= length
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(self.event_shape[0] * self.parameters_per_value)
        self.dense.build((None, width))
        self.flatten.build(input_shape)

    def call(self, features):
        return self.dense(self.flatten(features))

    def distribution(self, params):
        """q(z|x) for the parameters that `call` gives: a `tfd.Distribution`, in float32."""
        raise NotImplementedError

    def mean(self, params):
        """The mean of q(z|x): [B, D], float32."""
        return tf.convert_to_tensor(self.distribution(params).mean())
