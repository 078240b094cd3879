"""Likelihoods with a location and a scale for each value."""

import functools
import math

import keras
import tensorflow as tf

from keras_ae.distribution import tfd
from keras_ae.hyperparameters import Hyperparameter
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.likelihoods.softplus import softplus
from keras_ae.validation.arguments import check_positive

_MIN_SCALE = 1e-3
check_scale = functools.partial(check_positive, words=("shared", "pixel"))


class LocationScale(Likelihood):
    """Base class of likelihoods with a location and a scale for each value.

    The scale is a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each value and z).
    Learned scales are at least 0.001: below, the likelihood of constant pixels has no bound. A subclass sets the scale
    before it calls this constructor.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.learned = self._kind()
        self.parameters_per_value = 2 if self.learned == "pixel" else 1

    def check_together(self) -> None:
        if self._kind() != self.learned:
            (name, scale), stays = self._argument(), "a number" if self.learned is None else f'"{self.learned}"'
            raise ValueError(
                f"`{name}` must stay {stays}, as at construction of the {type(self).__name__}. "
                f"Received: {name}={scale!r}"
            )

    def build(self, input_shape):
        super().build(input_shape)
        if self.learned == "shared":
            self.raw_scale = self.add_weight(
                name="raw_scale", shape=(), initializer="zeros", dtype="float32", autocast=False
            )

    def loc_and_scale(self, params: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the location [..., *event] from the dense layer, and the positive scale [..., *event] or []."""
        params = tf.cast(params, tf.float32)
        if self.learned == "pixel":
            return params[..., 0], softplus(params[..., 1]) + _MIN_SCALE
        if self.learned == "shared":
            return params, softplus(tf.convert_to_tensor(self.raw_scale)) + _MIN_SCALE
        return params, tf.convert_to_tensor(self._argument()[1], tf.float32)

    def _argument(self) -> tuple[str, float | str]:
        """Returns the name of the scale in the subclass's constructor, and its value."""
        raise NotImplementedError

    def _kind(self):
        """Returns "shared" or "pixel" for a learned scale, `None` for a fixed one."""
        scale = self._argument()[1]
        return scale if isinstance(scale, str) else None


@keras.saving.register_keras_serializable(package="keras_ae")
class Normal(LocationScale):
    """Independent normal values: log p(x|z) = sum_i log N(x_i; loc_i, scale_i^2).

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number) or `"pixel"` (learned for each value and z).
            Learned scales are at least 0.001: below, the likelihood of constant pixels has no bound.

    References:
        Rybkin, Daniilidis and Levine 2021, arXiv:2006.13202, for learned scales.
    """

    scale = Hyperparameter(check_scale)

    def __init__(self, scale: float | str = "shared", **kwargs):
        self.scale = scale
        super().__init__(**kwargs)

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        return self._independent(tfd.Normal(*self.loc_and_scale(params)))

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        scale = self.loc_and_scale(params)[1]
        return tf.zeros_like(x) - tf.math.log(scale) - 0.5 * math.log(2.0 * math.pi)

    def _argument(self):
        return "scale", self.scale


@keras.saving.register_keras_serializable(package="keras_ae")
class Laplace(LocationScale):
    """Independent Laplace values: log p(x|z) = -sum_i |x_i - loc_i| / scale_i + log(2 scale_i).

    It replaces the squared error of `Normal` by the absolute error: outliers weigh less, and edges are sharper.

    Args:
        scale: a positive number (fixed), `"shared"` (one learned number; its optimum is the mean absolute deviation)
            or `"pixel"` (learned for each value and z). Learned scales are at least 0.001.
    """

    scale = Hyperparameter(check_scale)

    def __init__(self, scale: float | str = "shared", **kwargs):
        self.scale = scale
        super().__init__(**kwargs)

    def distribution(self, params: tf.Tensor) -> tfd.Distribution:
        return self._independent(tfd.Laplace(*self.loc_and_scale(params)))

    def best_log_prob(self, params: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return tf.zeros_like(x) - tf.math.log(2.0 * self.loc_and_scale(params)[1])

    def _argument(self):
        return "scale", self.scale
