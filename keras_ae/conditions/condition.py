import types
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.parts import Checkpointed


class Condition(Checkpointed, ArgumentGuard, keras.layers.Layer):
    """Base class of conditions: a layer that turns the values of a property into features for the networks.

    `call` maps tensors of values to features [B, size]; `check` validates values from the user.
    """

    size: int | None = None  # number of features
    vocabulary: tuple[str, ...] | None = None  # the names of labels

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # half precision would change an angle or a year

    def compute_output_spec(self, values):
        return keras.KerasTensor(self.compute_output_shape(), dtype="float32")

    def compute_output_shape(self, *shapes, **more):
        return (None, self.size)

    def check(self, values: Any, num: int | None = None, name: str = "condition") -> Any:
        """Validates values and returns them as arrays of the right dtype and shape, one row per example.

        Args:
            values: array-like with one row per example.
            num: required number of rows; a single value is repeated to fill them.
            name: name of the values in errors.

        Raises:
            ValueError: for values of the wrong shape or number, unknown labels, NaN or infinity.
        """
        raise NotImplementedError

    def guard(self, values: Any, name: str = "condition") -> Any:
        """Validates values inside a graph: returns them with assertions that fail when they run."""
        raise NotImplementedError

    @property
    def properties(self) -> Mapping[str, "Condition"]:
        """The properties by name: {name: `Condition`}; a single property is called "condition"."""
        return types.MappingProxyType({"condition": self})  # not a dict: Keras looks for layers to save in those

    def by_name(self, values: Any) -> dict:
        """Returns the values of each property by name, given tensors as `call` takes them."""
        return {"condition": values}

    def from_named(self, values: Any) -> Any:
        """Inverts `by_name`: returns values as `call` takes them, given a dictionary with one entry per property."""
        return values["condition"]

    def spec(self) -> tuple[str, tuple]:
        """Describes one row of what `check` returns for a single property: (dtype name, shape)."""
        raise NotImplementedError

    def specs(self) -> dict[str, tuple[str, tuple]]:
        """Returns the `spec` of each property: {name: (dtype name, shape)}."""
        return {name: part.spec() for name, part in self.properties.items()}

    def check_spec(self, spec: Any, name: str = "condition") -> None:
        """Validates the structure of the values in a stream, given their `tf.TensorSpec`.

        Raises:
            ValueError: for a structure, dtype or shape that does not fit this condition.
        """
        raise NotImplementedError

    def learn_names(self, values: Any, name: str = "condition") -> None:
        """Learns the names of labels from training data with string labels, unless they are known."""

    @property
    def needs_adapting(self) -> bool:
        """Whether `adapt` still has to run."""
        return False

    def adapt(self, values: Any) -> None:
        """Learns statistics of the property from the first training data, where the condition needs them."""


def check_tensor_spec(spec: Any, name: str, dim: int) -> None:
    """Checks that a spec describes numbers [B], or [B, dim]; [B, 1] is accepted for [B]."""
    shapes = ["[B]", "[B, 1]"] if dim == 1 else [f"[B, {dim}]"]
    shape = getattr(spec, "shape", None)
    fits = shape is not None and (shape.rank is None or list(shape[1:]) in ([[], [1]] if dim == 1 else [[dim]]))
    if shape is not None and shape.rank == 0:
        raise ValueError(f"`{name}` must come in batches: call `.batch(128)` on the dataset. Received: {spec}")
    if not fits or not (spec.dtype.is_integer or spec.dtype.is_floating):
        raise ValueError(f"`{name}` must be numbers {' or '.join(shapes)} in a stream. Received: {spec}")


def repeat_single(values: np.ndarray, num: int | None, name: str, rank: int) -> np.ndarray:
    """Repeats a single value (an array of `rank - 1` axes) `num` times, and checks the number of rows."""
    if values.ndim == rank - 1 and num is not None:
        values = np.repeat(values[np.newaxis], num, axis=0)
    if values.ndim != rank:
        raise ValueError(f"`{name}` must have one row per example. Received: an array of shape {values.shape}")
    if num is not None and len(values) != num:
        raise ValueError(f"`{name}` must have one row for each of the {num} examples. Received: {len(values)}")
    return values
