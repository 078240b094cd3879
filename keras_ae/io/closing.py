"""Iterators of datasets that are closed without waiting."""

import functools
import queue
import threading
from collections.abc import Iterator
from typing import Any


class ClosedLater:
    """An iterator of a `tf.data.Dataset` that is closed in the background.

    Closing waits for the thread that tunes the dataset. It sleeps for up to a minute, as long as the pass took, and
    sometimes misses that it is no longer needed. The caller would wait with it at the end of the pass.

    Args:
        iterator: an iterator of a dataset, to which the caller keeps no other reference.
        element_spec: the spec of the dataset, for the training function.
    """

    _iterator = None

    def __init__(self, iterator: Iterator, element_spec: Any = None):
        _start_closing()
        self._iterator, self.element_spec = iterator, element_spec

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._iterator)

    def __del__(self):
        _finished.put(self._iterator)  # starts no thread: Python may be ending


_finished = queue.SimpleQueue()  # its `put` may be called by a destructor


@functools.cache
def _start_closing():
    """Starts the thread that closes what is put into `_finished`, by dropping it."""

    def close():
        while True:
            _finished.get()

    threading.Thread(target=close, daemon=True).start()
