from typing import Any

import keras
import numpy as np

from keras_ae.callbacks.callback import Callback
from keras_ae.conditions.properties import for_each_property
from keras_ae.input_checks import checked_arrays
from keras_ae.training import is_stream
from keras_ae.validation.arguments import check_array


class Observer(Callback):
    """Base class of callbacks that evaluate the model on a few examples.

    Args:
        x: examples [N, *event], held out from training.
        condition: the conditions of the examples, or one value for all, for a conditional model.
    """

    def __init__(self, x: Any, condition: Any = None):
        super().__init__()
        if is_stream(x):
            raise ValueError(f"`x` must be an array of some examples. Received: {type(x).__name__}")
        self.x = check_array(x, "x")
        self.condition = for_each_property(lambda values: values, condition)
        for values in condition.values() if isinstance(condition, dict) else [condition]:
            if np.ndim(values) and len(values) != len(self.x):
                raise ValueError(
                    f"`condition` must have one row for each of the {len(self.x)} examples. Received: {len(values)}"
                )

    def on_train_begin(self, logs: dict | None = None) -> None:
        checked_arrays(self.model, self.x, self.condition)  # fail at the start, not after the first epoch

    def get_config(self):
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("x", "condition")}
