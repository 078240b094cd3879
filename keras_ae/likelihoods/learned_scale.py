import tensorflow as tf

from keras_ae.checks import check_positive
from keras_ae.likelihoods.likelihood import Likelihood

_MIN_SCALE = 1e-3


class LearnedScale(Likelihood):
    """Base of the likelihoods with a location and a scale for each value, of which the scale may be fixed or shared.

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each value and z).
            Learned scales are at least 0.001: below, the likelihood of constant pixels has no bound.

    Class attributes:
        argument: what the subclass calls its scale.
    """

    argument = "scale"

    def __init__(self, scale="shared", **kwargs):
        super().__init__(**kwargs)
        self.scale = check_positive(self.argument, scale, words=("shared", "pixel"))
        self.parameters_per_value = 2 if scale == "pixel" else 1

    def build(self, input_shape, event_shape):
        super().build(input_shape, event_shape)
        if self.scale == "shared":
            self.raw_scale = self.add_weight(
                name="raw_scale", shape=(), initializer="zeros", dtype="float32", autocast=False
            )

    def loc_and_scale(self, params):
        """The location, as the dense layer gives it, and the positive scale: [..., *event], [..., *event] or []."""
        params = tf.cast(params, tf.float32)
        if self.scale == "pixel":
            return params[..., 0], tf.nn.softplus(params[..., 1]) + _MIN_SCALE
        if self.scale == "shared":
            return params, tf.nn.softplus(tf.convert_to_tensor(self.raw_scale)) + _MIN_SCALE
        return params, tf.constant(self.scale, tf.float32)

    def get_config(self):
        return {**super().get_config(), self.argument: self.scale}
