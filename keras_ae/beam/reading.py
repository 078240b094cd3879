"""Rows with keys from TFRecord, Parquet, CSV and image files, on any file system of Beam.

A part is a file, or a group of images; it is read in batches and never held in memory. The key of a row is its file and
its number in the file, from 0. A bad row, or the unreadable rest of a damaged file, is a rejected row with a reason.
"""

import csv
import functools
import io
import itertools
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from keras_ae.beam.exported_model import apart
from keras_ae.datasets.sources.folder_source import SUFFIXES as IMAGE_SUFFIXES
from keras_ae.datasets.sources.folder_source import read_image
from keras_ae.datasets.sources.sharded_source import TFRECORD
from keras_ae.datasets.sources.table_files import CSV_SUFFIXES, OPENERS, PARQUET_SUFFIXES
from keras_ae.io.closing import ClosedLater
from keras_ae.validation.arrays import is_index_name

_IMAGES_PER_PART = 1024
Key = tuple[str, int]


class Part(NamedTuple):
    """Files that result in one shard: images, or one file of kind "parquet", "csv" or "tfrecord"."""

    kind: str
    files: tuple[str, ...]


class Rows(NamedTuple):
    """A batch: keys [(file, row)] of the rows in `arrays`, {input: array [B, ...]}, and [(key, reason)] of others."""

    keys: list[Key]
    arrays: dict[str, Any]
    rejected: list[tuple[Key, str]]


def plan(pattern: str) -> tuple[list[Part], dict[str, int]]:
    """Returns the parts of all files that match a pattern, in the order of their names, and the bytes of each file."""
    found = sorted((each.path, each.size_in_bytes) for each in FileSystems.match([pattern])[0].metadata_list)
    if not found:
        raise FileNotFoundError(f"`input` must match files, such as 'data/*.parquet'. Received: {pattern!r}: no files")
    parts = []
    for kind, group in itertools.groupby((path for path, _ in found), _kind):
        size, files = (_IMAGES_PER_PART if kind == "image" else 1), list(group)
        parts += [Part(kind, tuple(files[start : start + size])) for start in range(0, len(files), size)]
    return parts, dict(found)


def _kind(path):
    if TFRECORD.search(path):
        return "tfrecord"
    for kind, endings in {"parquet": PARQUET_SUFFIXES, "csv": CSV_SUFFIXES, "image": IMAGE_SUFFIXES}.items():
        if path.lower().endswith(endings):
            return kind
    raise ValueError(f"`input` must match Parquet, CSV, TFRecord or image files. Received: {path!r}")


def read(part: Part, inputs: dict, size: int) -> Iterator[Rows]:
    """Yields the rows of a part, at most `size` at a time, for the inputs {name: `tf.TensorSpec`} of a signature.

    A table has a column for each number of x, in order, or a column `x` of lists; other inputs have columns of their
    names. A column `label` and an index are ignored, but `label` stands for an input `condition`. Records are
    `tf.train.Example` with a feature for each input, or `image` in place of x. Images must have the size of an example.

    Raises:
        OSError: if a file cannot be reached. The unreadable rest of a damaged file is a rejected row.
    """
    row, readers = 0, {"parquet": _parquet, "csv": _csv, "tfrecord": _tfrecord, "image": _images}
    one_file = None if part.kind == "image" else part.files[0]
    try:
        for num, parse in readers[part.kind](one_file or part.files, inputs, size):
            rejected = {}
            kept, arrays = apart(parse, list(range(num)), rejected)
            keys = [(one_file, row + i) if one_file else (part.files[row + i], 0) for i in range(num)]
            yield Rows([keys[i] for i in kept], arrays, [(keys[i], reason) for i, reason in rejected.items()])
            row += num
    except Exception as error:
        if one_file is None or not _is_torn(error):
            raise
        yield Rows([], {}, [((one_file, row), f"cannot be read from this row on: {error}")])


def _is_torn(error):
    """Whether an error is about the content of a file. Beam raises the others, or they have the system's number."""
    import tensorflow as tf

    torn = (ValueError, EOFError, zlib.error, lzma.LZMAError, csv.Error, tf.errors.DataLossError)
    unreachable = isinstance(error, BeamIOError) or getattr(error, "errno", None) is not None
    return isinstance(error, (*torn, OSError)) and not unreachable


# Readers yield (number of rows, function of some of their numbers to {input: array}), which raises if one is bad.


def _images(files, inputs, size):
    def parse(rows, start):
        images = []
        for file in (files[start + row] for row in rows):
            with FileSystems.open(file) as handle:
                images.append(_image(io.BytesIO(handle.read()), inputs))  # an error of the disk is no bad image
        return {"x": np.stack(images)}

    for start in range(0, len(files), size):
        yield min(size, len(files) - start), functools.partial(parse, start=start)


def _image(file, inputs):
    shape = tuple(inputs["x"].shape[1:]) if "x" in inputs else ()
    if len(shape) not in (2, 3):
        raise ValueError("images do not fit the model")
    return read_image(file, (*shape, 1)[:3], resize=False).reshape(shape)


def _columns(path, names, inputs):
    """Returns {input: the places of its columns}."""
    names, found = [name.strip().lower() for name in names], {}
    first, *others = inputs
    for name in others:
        column = "label" if name == "condition" and name not in names else name.lower()
        if column not in names:
            raise ValueError(f"`{path}` must have a column `{name}`. Received: {names}")
        found[name] = [names.index(column)]
    if first in names:
        return {first: [names.index(first)], **found}
    unused = {place for place, name in enumerate(names) if name == "label" or (place == 0 and is_index_name(name))}
    rest = [place for place in range(len(names)) if place not in unused.union(*found.values())]
    if len(rest) != (num := inputs[first].shape[1:].num_elements()):
        raise ValueError(
            f"`{path}` must have {num} columns for `{first}`, or `{first}` of lists. Received: {len(rest)}"
        )
    return {first: rest, **found}


def _parquet(path, inputs, size):
    from pyarrow import parquet

    with FileSystems.open(path) as handle, parquet.ParquetFile(handle, pre_buffer=False) as file:
        names = file.schema_arrow.names
        columns = {name: [names[i] for i in some] for name, some in _columns(path, names, inputs).items()}
        sizes = {name: inputs[name].shape[1:].num_elements() // len(some) for name, some in columns.items()}

        def parse(rows, batch):
            table = batch if len(rows) == len(batch) else batch.take(rows)
            return {key: np.stack([_numbers(table[c], sizes[key]) for c in some], 1) for key, some in columns.items()}

        for batch in file.iter_batches(size, columns=sorted({name for some in columns.values() for name in some})):
            yield len(batch), functools.partial(parse, batch=batch)


def _numbers(column, size):
    """Returns a column of numbers, NaN where they are missing, or of lists of equal length: [B] or [B, size]."""
    from pyarrow import compute, types

    if types.is_list(column.type) or types.is_fixed_size_list(column.type):
        if compute.fill_null(compute.list_value_length(column), -1).to_numpy().tolist() != [size] * len(column):
            raise ValueError(f"a list must have {size} numbers")
        return _numbers(column.flatten(), 1).reshape(-1, size)
    values = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"a column must hold numbers. Received: {column.type}")
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _csv(path, inputs, size):
    opener, how = (
        OPENERS.get(path[path.rfind(".") :].lower(), io.TextIOWrapper),
        {"encoding": "utf-8-sig", "newline": ""},
    )
    how |= {} if opener is io.TextIOWrapper else {"mode": "rt"}
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as raw, opener(raw, **how) as file:
        lines = (line for line in file if line.strip())
        first = next(lines, "")
        cells = next(csv.reader([first]), [])
        has_header = not all(map(_is_number, cells))
        columns = _columns(path, cells if has_header else map(str, range(len(cells))), inputs)
        lines = lines if has_header else itertools.chain([first], lines)

        def parse(rows, part):
            values = np.loadtxt([part[row] for row in rows], delimiter=",", ndmin=2, comments=None, quotechar='"')
            if values.shape[1] != len(cells):
                raise ValueError(f"a row must have {len(cells)} cells. Received: {values.shape[1]}")
            return {name: values[:, places] for name, places in columns.items()}

        while part := list(itertools.islice(lines, size)):
            yield len(part), functools.partial(parse, part=part)


def _is_number(cell):
    try:
        return float(cell) is not None
    except ValueError:
        return False


def _tfrecord(path, inputs, size):
    import tensorflow as tf

    features = {"image": tf.io.FixedLenFeature([], tf.string, "")}
    for name, spec in inputs.items():
        missing = np.full(spec.shape[1:], np.nan) if name == "x" else None  # where `image` takes its place
        dtype = tf.int64 if spec.dtype.is_integer else tf.float32
        features[name] = tf.io.FixedLenFeature(spec.shape[1:], dtype, missing)

    def parse(rows, batch):
        parsed = tf.io.parse_example([batch[row] for row in rows], features)
        arrays = {name: np.array(values) for name, values in parsed.items()}
        for row, image in enumerate(arrays.pop("image")):
            if image:
                arrays["x"][row] = _image(io.BytesIO(image), inputs)
        return arrays

    dataset = tf.data.TFRecordDataset(path, "GZIP" if path.lower().endswith(".gz") else "")
    records = ClosedLater(dataset.as_numpy_iterator())
    batch, torn = [b""], None
    while batch and torn is None:
        batch = []
        try:
            batch.extend(itertools.islice(records, size))  # keeps what was read before an error
        except tf.errors.DataLossError as error:
            torn = error
        if batch:
            yield len(batch), functools.partial(parse, batch=batch)
    if torn is not None:
        raise ValueError(torn.message)
