from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.conditions.condition import Condition, check_tensor_spec, repeat_single
from keras_ae.validation.arguments import as_float32, check_size, in_place_of
from keras_ae.validation.arrays import as_array
from keras_ae.validation.tensors import guard


@keras.saving.register_keras_serializable(package="keras_ae")
class Continuous(Condition):
    """A property with real values: an angle, a size, a vector of measurements.

    The features are the standardized values, (value - loc) / scale. `loc` and `scale` are weights of the model: `fit`
    sets them once to the mean and standard deviation of the property in the training data (for a stream, in its first
    8,192 examples).

    Args:
        dim: number of values of the property.
    """

    def __init__(self, dim: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = check_size("dim", dim)
        self.size = self.dim

    def build(self, input_shape):
        options = {"shape": (self.dim,), "trainable": False, "dtype": "float32", "autocast": False}
        self.loc = self.add_weight(name="loc", initializer="zeros", **options)
        self.scale = self.add_weight(name="scale", initializer="ones", **options)
        self.adapted = self.add_weight(
            name="adapted", shape=(), initializer="zeros", trainable=False, dtype="float32", autocast=False
        )

    def call(self, values):
        values = tf.reshape(tf.cast(values, tf.float32), [-1, self.dim])
        return (values - tf.convert_to_tensor(self.loc)) / tf.convert_to_tensor(self.scale)

    def adapt(self, values: Any) -> None:
        if not self.needs_adapting:
            return
        if not self.built:
            self.build((None,))
        values = np.asarray(values, np.float64).reshape(-1, self.dim)
        deviation = _deviation(values)
        self.loc.assign(values.mean(axis=0))
        self.scale.assign(np.where(deviation > 0, deviation, 1.0))  # a constant property has features 0
        self.adapted.assign(1.0)

    def check(self, values: Any, num: int | None = None, name: str = "condition") -> Any:
        values = as_array(values, name)
        if values.dtype.kind not in "iuf":
            raise ValueError(f"`{name}` must hold numbers. Received: dtype {values.dtype}")
        if self.dim == 1 and values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        values = repeat_single(values, num, name, rank=1 if self.dim == 1 else 2)
        if self.dim > 1 and values.shape[1] != self.dim:
            raise ValueError(f"`{name}` must have {self.dim} numbers per row. Received: shape {values.shape}")
        checked = as_float32(values)
        wrong = ~np.isfinite(checked)
        if wrong.any():
            row, wanted = int(np.argwhere(wrong)[0, 0]), in_place_of(values[wrong][0])
            raise ValueError(f"`{name}` must be {wanted}. Received: {values[row]} at row {row}")
        _check_resolution(values, name)
        return checked

    def check_spec(self, spec: Any, name: str = "condition") -> None:
        check_tensor_spec(spec, name, self.dim)

    @property
    def needs_adapting(self) -> bool:
        return not self.built or not float(self.adapted.numpy())

    def guard(self, values: Any, name: str = "condition") -> Any:
        return guard(tf.cast(values, tf.float32), name)

    def spec(self) -> tuple[str, tuple]:
        return "float32", () if self.dim == 1 else (self.dim,)

    def get_config(self):
        return {**super().get_config(), "dim": self.dim}


def _deviation(values):
    """Returns the standard deviation [...] of values [N, ...]; exactly 0 for a constant, despite rounding."""
    constant = values.min(axis=0) == values.max(axis=0)
    return np.where(constant, 0.0, values.std(axis=0, dtype=np.float64))


def _check_resolution(values, name):
    """Raises a `ValueError` if float32 cannot represent the differences of the values, as for timestamps."""
    if not values.size:
        return
    deviation = _deviation(values)
    spacing = np.spacing(np.abs(values).max(axis=0).astype(np.float32))
    if np.any((deviation > 0) & (spacing > 0.01 * deviation)):
        raise ValueError(
            f"`{name}` must have values that float32 can distinguish: subtract a reference value first. "
            f"Received: values near {np.ravel(values)[0]:.10g} with a standard deviation of {np.max(deviation):.3g}"
        )
