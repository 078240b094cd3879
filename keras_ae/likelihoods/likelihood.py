import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.hyperparameters import Part
from keras_ae.parts import Checkpointed

tfd = tfp.distributions


class Likelihood(Checkpointed, Part, keras.layers.Layer):
    """Base of the likelihoods: a head that turns the decoder's features into p(x|z).

    `call` gives the parameters as a tensor [B, *event, P], or [B, *event] where P, the number of parameters a value, is
    1; `distribution` turns them into a `tfd.Distribution` with batch shape [B] and event shape `event`. Features that
    already have the height and width of the event get a linear layer over their channels, others one over all of them.
    """

    parameters_per_value = 1
    support = None  # the `Support` of the data that have a density, or None for all finite numbers

    def build(self, input_shape, event_shape):
        self.event_shape = tuple(event_shape)
        pointwise = tuple(input_shape[1:-1]) == self.event_shape[:-1]
        units = self.parameters_per_value
        for length in self.event_shape[-1:] if pointwise else self.event_shape:
            units *= length
        self.flatten = None if pointwise else keras.layers.Flatten()
        if self.flatten is not None:
            self.flatten.build(input_shape)
        width = 1
        for length in input_shape[-1:] if pointwise else input_shape[1:]:
            width *= length
        self.dense = keras.layers.Dense(units)
        self.dense.build((*input_shape[:-1], width) if pointwise else (None, width))

    def call(self, features):
        if self.flatten is not None:
            features = self.flatten(features)
        extra = [self.parameters_per_value] if self.parameters_per_value > 1 else []
        return tf.reshape(self.dense(features), [-1, *self.event_shape, *extra])

    def distribution(self, params):
        """p(x|z) for parameters [..., *event, P]: a `tfd.Distribution` with event shape `event`, in float32."""
        raise NotImplementedError

    def mean(self, params):
        """The mean of p(x|z), the picture to show: [..., *event]."""
        return self.distribution(params).mean()

    def _independent(self, distribution):
        return tfd.Independent(distribution, reinterpreted_batch_ndims=len(self.event_shape))
