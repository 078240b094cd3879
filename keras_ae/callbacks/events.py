import os

import numpy as np
import tensorflow as tf

_BINS = 30  # histogram bins, as in TensorBoard


class Events:
    """Writes TensorBoard event files without the package `tensorboard`.

    TensorFlow's `tf.summary.scalar`, `image` and `histogram` require that package. Their files hold tensors with plugin
    metadata, which `tf.summary.write` writes too.

    Args:
        log_dir: folder of the event files; every `Events` starts a new file.
    """

    def __init__(self, log_dir: str | os.PathLike | None):
        self.writer = tf.summary.create_file_writer(str(log_dir))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a number."""
        self._write(tag, np.float32(value), step, "scalars")

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """Writes a histogram of an array."""
        counts, edges = np.histogram(np.asarray(values, np.float64), _BINS)
        buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)  # [k, 3]: from, to, count
        self._write(tag, buckets, step, "histograms")

    def png(self, tag: str, data: bytes, size: tuple[int, int], step: int) -> None:
        """Writes an image, given as the bytes of a PNG file of size (width, height)."""
        width, height = (str(length).encode() for length in size)
        self._write(tag, [width, height, data], step, "images")

    def flush(self) -> None:
        """Flushes the file."""
        self.writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self.writer.close()

    def _write(self, tag, value, step, plugin):
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = plugin
        with self.writer.as_default():
            tf.summary.write(tag, tf.convert_to_tensor(value), step=step, metadata=metadata)
