"""Many files of one kind as one data set: TFRecord, or Parquet."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_ae.datasets.catalogue import DatasetInfo
from keras_ae.datasets.checks import check, check_labels
from keras_ae.datasets.sources.table_files import PARQUET_SUFFIXES, parquet_chunks

if TYPE_CHECKING:
    import tensorflow as tf

TFRECORD = re.compile(r"\.tfrecords?(-\d+-of-\d+)?(\.gz)?$", re.IGNORECASE)  # also as TFDS numbers its shards
_READ = 1024


def is_sharded(name: str) -> bool:
    """Whether a name is a pattern of several files, or one TFRecord file."""
    return any(sign in name for sign in "*?[") or TFRECORD.search(name) is not None


class ShardedSource:
    """The examples of all files that match a pattern, read in the order of their names, never held in memory.

    A TFRecord file holds `tf.train.Example` with `x` (floats) or `image` (a PNG, JPEG, GIF or BMP file), and optionally
    `label` (an integer). A Parquet file holds columns of numbers, of which one may be `label`.

    Args:
        pattern: a path with `*`, `?` or `[...]`, such as "data/train-*.tfrecord.gz"; also remote ones of TensorFlow.

    Attributes:
        files: the paths, sorted.
        in_graph: whether TensorFlow alone reads the files, as a worker of the tf.data service has to.

    Raises:
        FileNotFoundError: if no file matches.
        ValueError: for files of several or of other kinds, or without examples.
    """

    def __init__(self, pattern: str | os.PathLike):
        import tensorflow as tf

        self.pattern = os.path.expanduser(os.fspath(pattern))
        self.files = sorted(tf.io.gfile.glob(self.pattern))
        if not self.files:
            raise FileNotFoundError(f"`name` must match files. Received: {self.pattern!r}, which matches none")
        endings = {TFRECORD.search(file) and (TFRECORD.search(file)[2] or "tfrecord").lower() for file in self.files}
        self.in_graph = None not in endings
        if len(endings) > 1 or not (self.in_graph or all(f.lower().endswith(PARQUET_SUFFIXES) for f in self.files)):
            raise ValueError(f"`name` must match either TFRecord or Parquet files. Received: {self.pattern!r}")
        self._compression = "GZIP" if ".gz" in endings else ""
        shape, self._has_label = self._first_record() if self.in_graph else self._first_row()
        self._is_image = len(shape) == 3
        self._size = None
        # The number of examples may take a pass over the files: `size` counts them when it is asked.
        self.info = DatasetInfo(self.pattern, shape, splits={"train": None}, source="file")

    def size(self, split: str) -> int:
        """Returns the number of examples: all of them are the split "train"."""
        self._check_split(split)
        if self._size is None:
            self._size = sum(map(self._count, self.files))
        return self._size

    def in_order(self, split: str, batch_size: int) -> "tf.data.Dataset":
        """Returns a `tf.data.Dataset` of batches (x, y) in the order of the files; without labels, (x, None)."""
        self._check_split(split)
        return self.read(self.files, batch_size)

    def read(self, files: "tf.Tensor | list[str]", batch_size: int) -> "tf.data.Dataset":
        """As `in_order`, for these files in this order."""
        import tensorflow as tf

        if self.in_graph:
            records = tf.data.TFRecordDataset(files, self._compression).batch(batch_size)
            return records.map(self._parse, num_parallel_calls=2)
        x = tf.TensorSpec([None, *self.info.image_shape])
        signature = (x, tf.TensorSpec([None], tf.int32)) if self._has_label else (x,)
        rows = tf.data.Dataset.from_generator(
            lambda names: self._rows(names, batch_size), args=(files,), output_signature=signature
        )
        return rows.map(lambda x, y=None: (x, y))

    def decode(self, x: "tf.Tensor", y: object) -> tuple:
        """Converts a batch of `in_order` to float32, images in [0, 1], and labels."""
        import tensorflow as tf

        return (tf.cast(x, tf.float32) / 255.0 if self._is_image else x), y

    def load(self, split: str) -> tuple:
        """Returns (x, y) of all files."""
        parts = [self.decode(*batch) for batch in self.in_order(split, _READ)]
        x, y = ([np.asarray(values) for values in side] for side in zip(*parts, strict=True))
        return np.concatenate(x), np.concatenate(y) if self._has_label else None

    def _check_split(self, split):
        if split != "train":
            raise ValueError(f'`split` must be "train" for several files: choose them by `name`. Received: {split!r}')

    def _first_record(self):
        """Returns the shape of the first example of TFRecord files, and whether it has a label."""
        import tensorflow as tf

        for record in tf.data.TFRecordDataset(self.files, self._compression).take(1):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            if "x" in features:
                return (len(features["x"].float_list.value),), "label" in features
            if "image" in features:
                image = tf.io.decode_image(features["image"].bytes_list.value[0], expand_animations=False)
                return tuple(image.shape), "label" in features
            raise ValueError(f"`{self.files[0]}` must have `x` (floats) or `image`. Received: {sorted(features)}")
        raise ValueError(f"`{self.pattern}` must hold data. Received: no records")

    def _first_row(self):
        x, labels = next(parquet_chunks(Path(self.files[0]), 1))
        return x.shape[1:], labels is not None

    def _count(self, file):
        import tensorflow as tf

        if not self.in_graph:
            from pyarrow import parquet

            return parquet.read_metadata(file).num_rows
        return int(tf.data.TFRecordDataset(file, self._compression).reduce(np.int64(0), lambda num, _: num + 1))

    def _parse(self, records):
        """Returns (x, y) of serialized examples [B]."""
        import tensorflow as tf

        from keras_ae.validation.tensors import guard

        shape = self.info.image_shape
        key, spec = ("image", ([], tf.string)) if self._is_image else ("x", (shape, tf.float32))
        label = {"label": tf.io.FixedLenFeature([], tf.int64)} if self._has_label else {}
        parsed = tf.io.parse_example(records, {key: tf.io.FixedLenFeature(*spec), **label})

        def image(data):
            return tf.ensure_shape(tf.io.decode_image(data, shape[-1], expand_animations=False), shape)

        x = tf.map_fn(image, parsed[key], fn_output_signature=tf.uint8) if self._is_image else guard(parsed[key], "x")
        return x, tf.cast(parsed["label"], tf.int32) if self._has_label else None

    def _rows(self, files, batch_size) -> Iterator[tuple]:
        """Yields (x,) or (x, y) of Parquet files."""
        for file in (Path(name.decode()) for name in files):
            for x, y in parquet_chunks(file, batch_size):
                if isinstance(y, list):
                    raise ValueError(f"`{file}` must have labels that are numbers, the same in all files.")
                x = check(x, str(file), support=None)
                yield (x, check_labels(y, len(x), f"label of {file}")) if self._has_label else (x,)
