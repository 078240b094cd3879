from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.parts import Part
from keras_ae.validation.arguments import Support, check_widths


class Likelihood(Part):
    """Base class of likelihoods: a head that turns the decoder's features into p(x|z).

    `call` returns the parameters as a tensor [B, *event, P], or [B, *event] if P, the number of parameters per value,
    is 1. `distribution` turns them into a `tfd.Distribution` with batch shape [B] and event shape `event`. Features
    that already have the height and width of the event get a linear layer over their channels; all others are
    flattened first.

    Args:
        event_shape: the shape of an example. A model sets it for its likelihood.
    """

    parameters_per_value: int = 1
    discrete: bool = False  # whether p(x|z) is a probability of values, not a density
    support: Support | None = None  # `None` for all finite numbers

    def __init__(self, *, event_shape: Sequence[int] | None = None, **kwargs):
        super().__init__(**kwargs)
        self._event_shape = None if event_shape is None else check_widths("event_shape", event_shape)

    @property
    def event_shape(self) -> tuple[int, ...] | None:
        """The shape of an example, or `None` if it is not set."""
        return self._event_shape

    def set_event_shape(self, event_shape: Sequence[int]) -> None:
        """Sets the shape of an example, before the likelihood is built.

        Raises:
            ValueError: if another shape is set already.
        """
        if self.event_shape not in (None, tuple(event_shape)):
            raise ValueError(
                f"{type(self).__name__} must not be shared by models of different sizes: create one for each. "
                f"Received: event_shape={self.event_shape}, needed {tuple(event_shape)}"
            )
        self._event_shape = tuple(event_shape)

    def build(self, input_shape):
        if self.event_shape is None:
            raise ValueError(
                f"`event_shape` must be set before {type(self).__name__} is built. Received: event_shape=None"
            )
        pointwise = tuple(input_shape[1:-1]) == self.event_shape[:-1]
        units = self.parameters_per_value
        for length in self.event_shape[-1:] if pointwise else self.event_shape:
            units *= length
        self.flatten = None if pointwise else keras.layers.Flatten(dtype=self.dtype_policy)
        if self.flatten is not None:
            self.flatten.build(input_shape)
        width = 1
        for length in input_shape[-1:] if pointwise else input_shape[1:]:
            width *= length
        self.dense = keras.layers.Dense(units, dtype=self.dtype_policy)
        self.dense.build((*input_shape[:-1], width) if pointwise else (None, width))

    def call(self, features):
        if self.flatten is not None:
            features = self.flatten(features)
        return tf.reshape(self.dense(features), [-1, *self._params_shape()])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._params_shape())

    def _params_shape(self):
        extra = [self.parameters_per_value] if self.parameters_per_value > 1 else []
        return [*self.event_shape, *extra]

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        """Returns p(x|z) for parameters [..., *event, P]: a `tfd.Distribution` with event shape `event`, in float32."""
        raise NotImplementedError

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the mean of p(x|z), the image to show: [..., *event]."""
        return self.distribution(params).mean()

    def value_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Returns log p(x_i|z) of each value of x: [..., *event]. They add up to log p(x|z).

        Raises:
            NotImplementedError: for a likelihood whose values are not independent.
        """
        p = self.distribution(params)
        # TFP makes an Independent of two classes, so its type says less than its attribute.
        if not hasattr(p, "reinterpreted_batch_ndims") or p.distribution.event_shape.rank:
            raise NotImplementedError(f"{type(self).__name__} has no log-probability for single values.")
        return p.distribution.log_prob(x)

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Returns max over the location of log p(x_i), at the scale in `params`: [..., *event].

        This minus `value_log_prob` is the deviance of the value: 0 where no prediction would be better, whatever the
        entropy of a gray value or a count.

        Raises:
            NotImplementedError: for a likelihood in which the maximum is infinite or has no closed form.

        References:
            Nelder and Wedderburn 1972, "Generalized linear models", section 3.1, where the deviance is twice this.
        """
        raise NotImplementedError(f"{type(self).__name__} has no closed-form deviance.")

    def _independent(self, distribution):
        return tfd.Independent(distribution, reinterpreted_batch_ndims=len(self.event_shape))
