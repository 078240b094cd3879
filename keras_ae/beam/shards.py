"""Shards of Parquet or TFRecord, and files that get their name when they are complete."""

import contextlib
import os
import uuid
from collections.abc import Iterator

import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from keras_ae.beam.reading import Key

WRITING = "_writing"  # the folder of unfinished files, in the folder of the output
_ROW_GROUP = 1 << 26  # bytes


@contextlib.contextmanager
def renamed(output: str, *names: str) -> Iterator[str]:
    """Context with a temporary path, whose file gets the name `output`/`names` when the block succeeds.

    An older file of this name is replaced. A local file is flushed to the disk first.
    """
    temporary = FileSystems.join(output, WRITING, f"{uuid.uuid4().hex}-{names[-1]}")
    for folder in (FileSystems.join(output, WRITING), FileSystems.join(output, *names[:-1])):
        with contextlib.suppress(OSError):  # it exists
            FileSystems.mkdirs(folder)
    yield temporary
    if os.path.isfile(temporary):
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
    FileSystems.rename([temporary], [FileSystems.join(output, *names)])


class ParquetShard:
    """Columns `file`, `row` and one for each output: a number, bytes, or a list of all its values.

    Args:
        path: the file to write.
        outputs: {output: `tf.TensorSpec`}.
    """

    def __init__(self, path: str, outputs: dict):
        import pyarrow as pa
        from pyarrow import parquet

        fields = [pa.field("file", pa.string()), pa.field("row", pa.int64())]
        for name, spec in outputs.items():
            kind = pa.binary() if spec.dtype.name == "string" else pa.from_numpy_dtype(spec.dtype.as_numpy_dtype)
            fields.append(
                pa.field(name, pa.list_(kind, spec.shape[1:].num_elements()) if len(spec.shape) > 1 else kind)
            )
        self._schema, self._waiting = pa.schema(fields), []  # small row groups would be slow to read
        self._file = FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
        self._writer = parquet.ParquetWriter(self._file, self._schema)

    def write(self, keys: list[Key], outputs: dict[str, np.ndarray]) -> None:
        import pyarrow as pa

        columns = [pa.array([key[i] for key in keys], self._schema.types[i]) for i in range(2)]
        for field in list(self._schema)[2:]:
            flat = pa.array(np.ravel(outputs[field.name]))
            nested = pa.types.is_fixed_size_list(field.type)
            columns.append(pa.FixedSizeListArray.from_arrays(flat, type=field.type) if nested else flat)
        self._waiting.append(pa.Table.from_arrays(columns, schema=self._schema))
        if sum(table.nbytes for table in self._waiting) >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()
        self._file.close()

    def _flush(self):
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
            self._waiting = []


class TFRecordShard:
    """Records `tf.train.Example` with the features `file`, `row` and one for each output."""

    def __init__(self, path: str, outputs: dict):
        import tensorflow as tf

        self._writer = tf.io.TFRecordWriter(path)
        self.close = self._writer.close

    def write(self, keys: list[Key], outputs: dict[str, np.ndarray]) -> None:
        import tensorflow as tf

        for number, (file, row) in enumerate(keys):
            example = tf.train.Example()
            feature = example.features.feature
            feature["file"].bytes_list.value.append(file.encode())
            feature["row"].int64_list.value.append(row)
            for name, array in outputs.items():
                kind = {"f": "float_list", "i": "int64_list"}.get(array.dtype.kind, "bytes_list")
                getattr(feature[name], kind).value.extend(np.ravel(array[number]).tolist())
            self._writer.write(example.SerializeToString())


SHARDS = {"parquet": ParquetShard, "tfrecord": TFRecordShard}
