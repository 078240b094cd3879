import numbers

import keras
import tensorflow as tf

from keras_ae.likelihoods.likelihood import Likelihood, tfd

_MIN_SCALE = 1e-3


@keras.saving.register_keras_serializable(package="keras_ae")
class Normal(Likelihood):
    """Independent normal values: log p(x|z) = sum_i log N(x_i; loc_i, scale_i^2).

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each value and z).
            Learned scales are at least 0.001: below, the likelihood of constant pixels has no bound.

    References:
        Rybkin, Daniilidis and Levine 2021, arXiv:2006.13202, for learned scales.
    """

    def __init__(self, scale="shared", **kwargs):
        super().__init__(**kwargs)
        is_number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
        if not (scale > 0 and scale < float("inf") if is_number else scale in ("shared", "pixel")):
            raise ValueError(f'`scale` must be a positive number, "shared" or "pixel". Received: scale={scale!r}')
        self.scale = scale
        self.parameters_per_value = 2 if scale == "pixel" else 1

    def build(self, input_shape, event_shape):
        super().build(input_shape, event_shape)
        if self.scale == "shared":
            self.raw_scale = self.add_weight(
                name="raw_scale", shape=(), initializer="zeros", dtype="float32", autocast=False
            )

    def distribution(self, params):
        params = tf.cast(params, tf.float32)
        if self.scale == "pixel":
            loc, raw_scale = params[..., 0], params[..., 1]
            scale = tf.nn.softplus(raw_scale) + _MIN_SCALE
        else:
            loc, scale = params, self.scale
        if self.scale == "shared":
            scale = tf.nn.softplus(tf.convert_to_tensor(self.raw_scale)) + _MIN_SCALE
        return self._independent(tfd.Normal(loc, scale))

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
