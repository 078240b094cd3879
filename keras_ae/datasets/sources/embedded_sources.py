"""Data sets that need no download: scikit-learn's digits, and strokes."""

import functools

import numpy as np

from keras_ae.datasets import strokes
from keras_ae.datasets.catalogue import DIGITS, STROKES
from keras_ae.datasets.sources.indexed_source import IndexedSource

_SPLIT_SEED = 0
_STROKES_SEEDS = {"train": 0, "test": 1}


class DigitsSource(IndexedSource):
    """The handwritten digits of scikit-learn, 8x8, split 80 to 20 within each class, always the same way."""

    def __init__(self):
        super().__init__(DIGITS)

    def read(self, indices: np.ndarray) -> tuple:
        x, y = _digits()
        return x[indices], y[indices]


@functools.cache
def _digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    parts = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=_SPLIT_SEED)
    order = np.concatenate([np.sort(part) for part in parts])
    return (x[order] / 16.0).astype(np.float32).reshape(-1, 8, 8, 1), y[order].astype(np.int32)


class StrokesSource(IndexedSource):
    """Strokes, rendered on demand; each split has a seed and holds its first digits."""

    def __init__(self):
        super().__init__(STROKES)

    def read(self, indices: np.ndarray) -> tuple:
        first_test = self.info.splits["train"]
        train = indices < first_test
        parts = [
            strokes.sample_properties(indices[train], _STROKES_SEEDS["train"]),
            strokes.sample_properties(indices[~train] - first_test, _STROKES_SEEDS["test"]),
        ]
        back = np.argsort(np.concatenate([np.flatnonzero(train), np.flatnonzero(~train)]))
        properties = {key: np.concatenate([part[key] for part in parts])[back] for key in parts[0]}
        return strokes.render(properties), properties
