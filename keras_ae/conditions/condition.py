import types

import keras
import numpy as np

from keras_ae.hyperparameters import ArgumentGuard
from keras_ae.parts import Checkpointed


class Condition(Checkpointed, ArgumentGuard, keras.layers.Layer):
    """Base of the conditions: a layer that turns the values of a property into features for the networks.

    `call` takes values as tensors and gives features [B, size]; `check` is the door for values that come from outside.
    """

    size = None

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # a half-precision copy of an angle or a year would be another one

    def compute_output_spec(self, values):
        return keras.KerasTensor(self.compute_output_shape(), dtype="float32")

    def compute_output_shape(self, *shapes, **more):
        return (None, self.size)

    def check(self, values, num=None, name="condition"):
        """Returns the values as arrays of the right dtype and shape, one row an example.

        Args:
            values: array-like with one row an example.
            num: how many rows there must be; a single value is repeated that often.
            name: what to call the values in an error.

        Raises:
            ValueError: for values of the wrong shape or number, unknown labels, NaN or infinity.
        """
        raise NotImplementedError

    def guard(self, values, name="condition"):
        """The same checks of values inside a graph: returns the values, and fails with a sentence when they are run."""
        raise NotImplementedError

    @property
    def properties(self):
        """The properties by name: {name: `Condition`}; a single one is called "condition"."""
        return types.MappingProxyType({"condition": self})  # not a dict: Keras looks for layers to save in those

    def by_name(self, values):
        """The values of each property by its name, from tensors as `call` takes them."""
        return {"condition": values}

    def from_named(self, values):
        """The inverse of `by_name`: values as `call` takes them, from a dictionary with one entry a property."""
        return values["condition"]

    def spec(self):
        """What `check` returns for a row of a single property: (dtype name, shape)."""
        raise NotImplementedError

    def specs(self):
        """The `spec` of each property: {name: (dtype name, shape)}."""
        return {name: part.spec() for name, part in self.properties.items()}

    def check_spec(self, spec, name="condition"):
        """Checks the structure of the values in a stream, from their `tf.TensorSpec`.

        Raises:
            ValueError: for a structure, dtype or shape that the values of this condition do not have.
        """
        raise NotImplementedError

    def learn_names(self, values, name="condition"):
        """Learns the names of labels from the training data, where labels are names and not known yet."""

    @property
    def needs_adapting(self):
        """Whether `adapt` still has something to learn."""
        return False

    def adapt(self, values):
        """Learns from the first training data what the property's values look like, where that is needed."""


def check_tensor_spec(spec, name, dim):
    """Checks that a spec is of numbers [B], or [B, dim]; [B, 1] passes for [B]."""
    shapes = ["[B]", "[B, 1]"] if dim == 1 else [f"[B, {dim}]"]
    shape = getattr(spec, "shape", None)
    fits = shape is not None and (shape.rank is None or list(shape[1:]) in ([[], [1]] if dim == 1 else [[dim]]))
    if shape is not None and shape.rank == 0:
        raise ValueError(f"`{name}` must come in batches: call .batch(128) on the dataset. Received: {spec}")
    if not fits or not (spec.dtype.is_integer or spec.dtype.is_floating):
        raise ValueError(f"`{name}` must be numbers {' or '.join(shapes)} in a stream. Received: {spec}")


def repeat_single(values, num, name, rank):
    """Repeats a single value (an array of `rank - 1` axes) `num` times, and checks the number of rows."""
    if values.ndim == rank - 1 and num is not None:
        values = np.repeat(values[np.newaxis], num, axis=0)
    if values.ndim != rank:
        raise ValueError(f"`{name}` must have one row an example. Received: an array of shape {values.shape}")
    if num is not None and len(values) != num:
        raise ValueError(f"`{name}` must have as many rows as there are examples, {num}. Received: {len(values)}")
    return values
