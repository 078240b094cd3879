"""Imports TensorFlow on demand, without its log output."""

import contextlib
import os
import sys
import tempfile

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "TFDS_LOG_LEVEL": "error"}


def start_tensorflow():
    """Imports TensorFlow and Keras, with TensorFlow as the backend of Keras.

    With `keras-ae --debug`, or if `TF_CPP_MIN_LOG_LEVEL` is set, TensorFlow logs as usual.

    Raises:
        RuntimeError: if another backend is set.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise RuntimeError(
            "keras_ae runs on TensorFlow: unset KERAS_BACKEND, or set it to tensorflow. "
            f"Received: KERAS_BACKEND={backend}"
        )
    loud = "TF_CPP_MIN_LOG_LEVEL" in os.environ or "--debug" in sys.argv[1:]
    if not loud:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
    with contextlib.nullcontext() if loud else _stderr_kept_back():
        import keras
        import tensorflow as tf
        import tensorflow_probability  # noqa: F401
    if not loud:
        import absl.logging

        absl.logging.set_verbosity(absl.logging.ERROR)  # for TFDS
        tf.get_logger().setLevel("ERROR")
    if keras.backend.backend() != "tensorflow":  # Keras was imported before, with another backend
        raise RuntimeError(f"keras_ae runs on TensorFlow. Received: Keras on {keras.backend.backend()}")


@contextlib.contextmanager
def _stderr_kept_back():
    """Captures early stderr output of C++ code; shows it if the block fails."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(stderr, 2)
            kept.seek(0)
            os.write(2, kept.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
