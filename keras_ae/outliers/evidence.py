import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ae.outliers.example_statistics import outlier_statistics_function


class Evidence:
    """Examples with their statistics under a model, each computed once, when a score first needs it.

    Args:
        model: a built `Autoencoder`.
        x: examples [N, *event], as the model takes them.
        condition: the conditions of the examples, for a conditional model.
        compute: the `outlier_statistics` of the model, compiled already.
    """

    def __init__(self, model: keras.Model, x: np.ndarray, condition: Any = None, *, compute: Callable | None = None):
        self.model, self.x, self.condition = model, x, condition
        self._compute = compute or outlier_statistics_function(model)

    @functools.cached_property
    def statistics(self) -> dict[str, np.ndarray]:
        """{name: float64 array [N]}: see `outlier_statistics`, without the codes."""
        found = dict(self._found)
        found.pop("codes")
        return found

    @property
    def codes(self) -> np.ndarray:
        """Means of q(z|x): float64 [N, D]."""
        return self._found["codes"]

    def statistic(self, name: str) -> np.ndarray:
        """Returns one statistic [N].

        Raises:
            ValueError: if the model does not have it.
        """
        if name not in self.statistics:
            has = ", ".join(sorted(self.statistics))
            raise ValueError(f"{type(self.model).__name__} has no {name} for single examples. It has: {has}.")
        return self.statistics[name]

    def rows(self, kept: np.ndarray) -> "Evidence":
        """Returns the statistics and codes of some examples: bool array [N]."""
        found = {name: values[kept] for name, values in self._found.items()}
        return Evidence(self.model, self.x, self.condition, compute=lambda *_: found)

    @functools.cached_property
    def _found(self):
        return self._compute(self.x, self.condition)
