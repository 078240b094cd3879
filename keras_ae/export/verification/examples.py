import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Examples:
    """Real examples, to calibrate and to judge an export with.

    Args:
        x: float32 [N, *event].
        condition: the values of their condition, or `None`.
    """

    x: np.ndarray
    condition: object = None

    @classmethod
    def of(cls, model, given):
        """The examples that a user gives: x, or (x, condition) where the model has one; `None` for none.

        Raises:
            ValueError: for examples that are not the model's.
        """
        if given is None:
            return None
        pair = given if isinstance(given, tuple) else (given, None)
        pair = (*pair, None) if len(pair) == 1 else pair
        if len(pair) != 2:
            raise ValueError(f"`examples` must be x, or (x, condition). Received: a tuple of {len(pair)}")
        return cls(*model.prepare(*pair)[:2])

    def spread(self, num):
        """So many examples from all over: data are often sorted. Where there are fewer, some come more than once."""
        index = np.arange(num) * len(self.x) // num
        condition = None if self.condition is None else tf.nest.map_structure(lambda v: v[index], self.condition)
        return Examples(self.x[index], condition)
