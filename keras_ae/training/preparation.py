import inspect
from collections.abc import Callable
from typing import Any

import keras


class Preparation(keras.callbacks.Callback):
    """Trains something of a model with the examples of `fit`, once, at the beginning of an epoch.

    Args:
        x, condition: the data of `fit`.
        is_due: function of the index of an epoch to whether to train now, which is false once it is done, also in a
            model that was restored.
        prepare: function of (x, condition, seed=, verbose=) that trains it.

    Raises:
        ValueError: for a generator, which can be read only once.
    """

    def __init__(self, x: Any, condition: Any, *, is_due: Callable[[int], bool], prepare: Callable[..., None]):
        super().__init__()
        if inspect.isgenerator(x):
            raise ValueError(
                f"`x` must be data that can be read twice, because {prepare.__name__} reads it before or between the "
                f"epochs: arrays, a dataset or a PyDataset. Received: {type(x).__name__}"
            )
        self.x, self.condition = x, condition
        self.is_due, self.prepare = is_due, prepare

    def on_epoch_begin(self, epoch, logs=None):
        if self.is_due(epoch):
            shown = self.params.get("verbose") == 1  # 2 is a line per epoch, for logs
            self.prepare(self.x, self.condition, seed=self.model.seed, verbose=shown)
