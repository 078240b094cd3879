"""Iterators that are closed in the background."""

import subprocess
import sys
import threading

from keras_ae.io.closing import ClosedLater

ENDING = """
import tensorflow as tf
from keras_ae.io.closing import ClosedLater

dataset = tf.data.Dataset.range(3)
kept = ClosedLater(iter(dataset), dataset.element_spec)
kept.itself = kept  # only the garbage collection at the end frees it
assert int(next(kept)) == 0
"""


def test_an_iterator_is_closed_by_another_thread():
    may_close, is_closed, by = threading.Event(), threading.Event(), []

    class Slow:
        def __next__(self):
            return 1

        def __del__(self):
            may_close.wait(10)
            by.append(threading.current_thread())
            is_closed.set()

    iterator = ClosedLater(Slow())
    assert next(iterator) == 1
    del iterator  # does not wait
    assert not is_closed.is_set()
    may_close.set()
    assert is_closed.wait(10) and by != [threading.current_thread()]


def test_python_ends_with_an_iterator_that_is_open():
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Traceback" not in done.stderr
