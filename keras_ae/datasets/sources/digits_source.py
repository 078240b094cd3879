"""The handwritten digits included in scikit-learn."""

import functools

import numpy as np

from keras_ae.datasets.catalogue import EMBEDDED
from keras_ae.datasets.sources.indexed_source import IndexedSource

_SPLIT_SEED = 0


class DigitsSource(IndexedSource):
    """The handwritten digits of scikit-learn, 8x8, split 80 to 20 within each class, always the same way."""

    def __init__(self):
        super().__init__(EMBEDDED[0])

    def read(self, numbers):
        x, y = _digits()
        return x[numbers], y[numbers]


@functools.cache
def _digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    parts = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=_SPLIT_SEED)
    order = np.concatenate([np.sort(part) for part in parts])
    return (x[order] / 16.0).astype(np.float32).reshape(-1, 8, 8, 1), y[order].astype(np.int32)
