import functools

import tensorflow as tf

from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.validation.arguments import check_positive

_MIN_SCALE = 1e-3
check_scale = functools.partial(check_positive, words=("shared", "pixel"))


class LearnedScale(Likelihood):
    """Base class of likelihoods with a location and a scale per value; the scale is fixed, shared or learned per value.

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each value and z).
            Learned scales are at least 0.001: below, the likelihood of constant pixels has no bound.

    Class attributes:
        argument: name of the scale in the subclass, a `Hyperparameter(check_scale)`.
    """

    argument = "scale"

    def __init__(self, scale="shared", **kwargs):
        super().__init__(**kwargs)
        setattr(self, self.argument, scale)
        self.learned = scale if isinstance(scale, str) else None  # "shared", "pixel", or `None` for a fixed scale
        self.parameters_per_value = 2 if scale == "pixel" else 1

    def check_together(self):
        scale = getattr(self, self.argument)
        if (scale if isinstance(scale, str) else None) != self.learned:
            stays = "a number" if self.learned is None else f'"{self.learned}"'
            raise ValueError(
                f"`{self.argument}` must stay {stays}, as when the {type(self).__name__} was made. "
                f"Received: {self.argument}={scale!r}"
            )

    def build(self, input_shape):
        super().build(input_shape)
        if self.learned == "shared":
            self.raw_scale = self.add_weight(
                name="raw_scale", shape=(), initializer="zeros", dtype="float32", autocast=False
            )

    def loc_and_scale(self, params):
        """Returns the location [..., *event] from the dense layer, and the positive scale [..., *event] or []."""
        params = tf.cast(params, tf.float32)
        if self.learned == "pixel":
            return params[..., 0], tf.nn.softplus(params[..., 1]) + _MIN_SCALE
        if self.learned == "shared":
            return params, tf.nn.softplus(tf.convert_to_tensor(self.raw_scale)) + _MIN_SCALE
        return params, tf.convert_to_tensor(getattr(self, self.argument), tf.float32)

    def get_config(self):
        return {**super().get_config(), self.argument: getattr(self, self.argument)}
