"""The strokes, rendered on demand."""

import numpy as np

from keras_ae.datasets import strokes
from keras_ae.datasets.catalogue import EMBEDDED
from keras_ae.datasets.sources.indexed_source import IndexedSource

SEEDS = {"train": 0, "test": 1}


class StrokesSource(IndexedSource):
    """Strokes whose splits are the first digits of the seeds in `SEEDS`."""

    def __init__(self):
        super().__init__(EMBEDDED[1])

    def read(self, numbers):
        first_test = self.info.splits["train"]
        train = numbers < first_test
        if train.all():
            return strokes.generate(numbers, SEEDS["train"])
        if not train.any():
            return strokes.generate(numbers - first_test, SEEDS["test"])
        return self._mixed(numbers, train, first_test)

    @staticmethod
    def _mixed(numbers, train, first_test):
        parts = [
            strokes.sample_properties(numbers[train], SEEDS["train"]),
            strokes.sample_properties(numbers[~train] - first_test, SEEDS["test"]),
        ]
        back = np.argsort(np.concatenate([np.flatnonzero(train), np.flatnonzero(~train)]))
        properties = {key: np.concatenate([part[key] for part in parts])[back] for key in parts[0]}
        return strokes.render(properties), properties
