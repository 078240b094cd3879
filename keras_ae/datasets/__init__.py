"""Data sets in [0, 1]: TFDS, scikit-learn's digits, strokes with known properties, and your files.

`load` returns arrays; `stream` returns a `tf.data.Dataset` that never holds the data set in memory, and `Chunks` reads
it in order.
"""

import importlib

_NAMES = {
    "Chunks": "chunks",
    "DatasetInfo": "catalogue",
    "available": "catalogue",
    "batches": "streaming",
    "binarize": "binarization",
    "check": "checks",
    "info": "loading",
    "load": "loading",
    "names": "catalogue",
    "stream": "streaming",
}

__all__ = [*_NAMES, "strokes"]


def __getattr__(name):
    if name == "strokes":
        return importlib.import_module("keras_ae.datasets.strokes")
    if name in _NAMES:
        return getattr(importlib.import_module(f"keras_ae.datasets.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'keras_ae.datasets' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
