import keras
import numpy as np


class Condition(keras.layers.Layer):
    """Base of the conditions: a layer that turns the values of a property into features for the networks.

    `call` takes values as tensors and gives features [B, size]; `check` is the door for values that come from outside.
    """

    size = None

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

    def specs(self):
        """What `check` returns, a row: {name: (dtype name, shape)}; the name of a single property is "condition"."""
        raise NotImplementedError

    def adapt(self, values):
        """Learns from the first training data what the property's values look like, where that is needed."""


def repeat_single(values, num, name, rank):
    """Repeats a single value (an array of `rank - 1` axes) `num` times, and checks the number of rows."""
    if values.ndim == rank - 1 and num is not None:
        values = np.repeat(values[np.newaxis], num, axis=0)
    if values.ndim != rank:
        raise ValueError(f"`{name}` must have one row an example. Received: an array of shape {values.shape}")
    if num is not None and len(values) != num:
        raise ValueError(f"`{name}` must have as many rows as there are examples, {num}. Received: {len(values)}")
    return values
