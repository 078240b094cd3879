import inspect
from collections.abc import Callable
from typing import Any

import keras


class Preparation(keras.callbacks.Callback):
    """Trains something of a model with the examples of `fit`, once, at the beginning of an epoch.

    It calls `on_prepare(purpose)` of the other callbacks that have this method before it trains.

    Args:
        x, condition: the data of `fit`.
        purpose: what it does, for a progress bar, such as "training the classifier".
        is_due: function of the index of an epoch to whether to train now, which is false once it is done, also in a
            model that was restored.
        prepare: function of (x, condition, seed=, verbose=) that trains it.

    Raises:
        ValueError: for a generator, which can be read only once.
    """

    others = ()  # the callbacks of `fit`, in with_epochs

    def __init__(
        self, x: Any, condition: Any, purpose: str, *, is_due: Callable[[int], bool], prepare: Callable[..., None]
    ):
        super().__init__()
        if inspect.isgenerator(x):
            raise ValueError(
                f"`x` must be data that can be read twice, because {prepare.__name__} reads it before or between the "
                f"epochs: arrays, a dataset or a PyDataset. Received: {type(x).__name__}"
            )
        self.x, self.condition, self.purpose = x, condition, purpose
        self.is_due, self.prepare = is_due, prepare

    def on_epoch_begin(self, epoch, logs=None):
        if self.is_due(epoch):
            for callback in self.others:
                if hasattr(callback, "on_prepare"):
                    callback.on_prepare(self.purpose)
            shown = self.params.get("verbose") == 1  # 2 is a line per epoch, for logs
            self.prepare(self.x, self.condition, seed=self.model.seed, verbose=shown)
