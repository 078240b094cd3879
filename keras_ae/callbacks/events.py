import pathlib

import numpy as np
import tensorflow as tf

from keras_ae.files import replacing

_OURS = ".keras_ae"  # the end of the names of our files: a folder may have those of others
_BINS = 30  # of a histogram, as TensorBoard has them


class Events:
    """Writes what TensorBoard shows, without the package `tensorboard`.

    TensorFlow's `tf.summary.scalar`, `image` and `histogram` need that package to be installed; the files that they
    write are tensors with a note on what shows them, which `tf.summary.write` writes as well.

    Args:
        log_dir: folder of the event files; every `Events` begins a new file in it.
        step: steps that were trained so far. What an interrupted training wrote of later ones is removed: a training
            that goes on comes to them again.
    """

    def __init__(self, log_dir, step=0):
        if step:
            for path in pathlib.Path(log_dir).glob(f"events.out.tfevents.*{_OURS}"):
                _cut(path, step)
        self.writer = tf.summary.create_file_writer(str(log_dir), filename_suffix=_OURS)

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


def _cut(path, step):
    """Removes from an event file what lies behind a step, and a last event that was not written completely."""
    kept, complete = [], True
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            if tf.compat.v1.Event.FromString(record).step <= step:
                kept.append(record)
            else:
                complete = False
    except tf.errors.DataLossError:
        complete = False
    if complete:
        return
    with replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for record in kept:
            writer.write(record)
