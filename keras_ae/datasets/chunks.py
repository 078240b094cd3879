"""Reads a data set in order, a chunk at a time."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_ae.datasets.checks import check
from keras_ae.datasets.loading import open_source
from keras_ae.datasets.sources.table_files import CSV_SUFFIXES, PARQUET_SUFFIXES, column_names, table_chunks
from keras_ae.datasets.splits import split_indices
from keras_ae.validation.arguments import MAX_ROWS, check_size


class Chunks:
    """A data set in order, a chunk at a time, without holding it in memory. It can be iterated again.

    A slice of a table takes one more pass, which counts the rows. First read into memory are only a compressed `.npz`
    file, and a split of a table whose rows are not in their order, such as "train[50%:]+train[:50%]".

    Args:
        name, split, download, channels: as in `load`.
        size: examples per chunk; the last chunk may be smaller, and so may the first of a slice of a table.

    Attributes:
        num: number of examples; `None` for a whole table, whose rows are not counted.
        columns: names of the columns of a table; empty for other data.

    Yields:
        (x, y) as `load` returns them. Names of classes in a table stay names.

    Raises:
        ValueError, FileNotFoundError: as `load`.

    Example:
        >>> [len(x) for x, y in Chunks("digits", "test", 200)]
        [200, 160]
    """

    def __init__(
        self,
        name: str | os.PathLike,
        split: str = "train",
        size: int = 4096,
        *,
        download: bool = False,
        channels: int | None = None,
    ):
        self.name, self.split = os.fspath(name), split
        self.size = check_size("size", size, high=MAX_ROWS)
        self.columns = columns_of(name)
        self._table, self._rows = Path(name).expanduser() if is_table(name) else None, None
        if self._table and split != "train":
            num = sum(len(x) for x, _ in table_chunks(self._table, self.size))
            self._rows = split_indices(split, {"train": num}, self.name)
            if not (np.diff(self._rows) > 0).all():
                self._table = None
        self._source = None if self._table else open_source(name, download=download, channels=channels)
        self.num = self._source.size(split) if self._source else None if self._rows is None else len(self._rows)

    def __iter__(self) -> Iterator[tuple]:
        return self._of_table() if self._table else self._of_source()

    def row_names(self, rows: Sequence[int]) -> list[str] | None:
        """Returns the names of the files with these rows in a folder of images, relative to it; otherwise `None`."""
        files = getattr(self._source, "files", None)
        if files is None:
            return None
        indices = self._source.indices(self.split)
        return [files[indices[row]].relative_to(Path(self.name).expanduser()).as_posix() for row in rows]

    def _of_table(self):
        start = 0
        for x, y in table_chunks(self._table, self.size):
            rows = np.arange(start, start + len(x))
            start += len(x)
            if self._rows is not None:
                rows = self._rows[slice(*np.searchsorted(self._rows, [rows[0], start]))]
                kept = rows - (start - len(x))
                x, y = x[kept], [y[row] for row in kept] if isinstance(y, list) else y if y is None else y[kept]
            if len(rows):
                yield check(x, str(self._table), support=None, indices=rows), _as_array(y)
            if self._rows is not None and start > self._rows[-1]:
                return

    def _of_source(self):
        import tensorflow as tf

        for batch in self._source.in_order(self.split, self.size):
            x, y = self._source.decode(*batch)
            yield x.numpy(), tf.nest.map_structure(lambda values: values.numpy(), y) if y is not None else None


def is_table(name: str | os.PathLike) -> bool:
    """Whether a name is the path of a table: CSV or Parquet."""
    path = Path(name).expanduser()
    return path.is_file() and path.name.lower().endswith((*CSV_SUFFIXES, *PARQUET_SUFFIXES))


def columns_of(name: str | os.PathLike) -> tuple[str, ...]:
    """Returns the names of the columns of a table; empty for other data, and without a header."""
    return column_names(Path(name).expanduser()) if is_table(name) else ()


def _as_array(labels) -> Any:
    return np.array(labels, object) if isinstance(labels, list) else labels
