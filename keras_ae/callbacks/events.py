import numpy as np
import tensorflow as tf

_BINS = 30  # of a histogram, as TensorBoard has them


class Events:
    """Writes what TensorBoard shows, without the package `tensorboard`.

    TensorFlow's `tf.summary.scalar`, `image` and `histogram` need that package to be installed; the files that they
    write are tensors with a note on what shows them, which `tf.summary.write` writes as well.

    Args:
        log_dir: folder of the event files; every `Events` begins a new file in it.
    """

    def __init__(self, log_dir):
        self.writer = tf.summary.create_file_writer(str(log_dir))

    def scalar(self, tag, value, step):
        """Writes a number."""
        self._write(tag, np.float32(value), step, "scalars")

    def histogram(self, tag, values, step):
        """Writes how an array of numbers is distributed."""
        counts, edges = np.histogram(np.asarray(values, np.float64), _BINS)
        buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)  # [k, 3]: from, to, how many
        self._write(tag, buckets, step, "histograms")

    def png(self, tag, data, size, step):
        """Writes a picture: the bytes of a PNG file, of size (width, height)."""
        width, height = (str(length).encode() for length in size)
        self._write(tag, [width, height, data], step, "images")

    def flush(self):
        """Makes sure that all is in the file."""
        self.writer.flush()

    def close(self):
        """Ends the file."""
        self.writer.close()

    def _write(self, tag, value, step, plugin):
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = plugin
        with self.writer.as_default():
            tf.summary.write(tag, tf.convert_to_tensor(value), step=step, metadata=metadata)
