import keras
import numpy as np

from keras_ae.callbacks.callback import Callback
from keras_ae.explore.decoding import for_each_property
from keras_ae.training import is_stream
from keras_ae.validation.arguments import check_array


class Observer(Callback):
    """Base of the callbacks that look at what the model makes of some examples.

    Args:
        x: examples [N, *event], not of those that the model learns from.
        condition: theirs, or one value for all, where the model has a condition.
    """

    def __init__(self, x, condition=None):
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

    def on_train_begin(self, logs=None):
        self.model.prepare(self.x, self.condition)  # wrong examples must not wait for the end of an epoch

    def get_config(self):
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("x", "condition")}
