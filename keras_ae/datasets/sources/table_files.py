"""Tables in files: CSV, also compressed, and Parquet."""

import bz2
import contextlib
import csv
import gzip
import itertools
import lzma
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_ae.validation.arrays import is_index_name

OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
CSV_SUFFIXES = (".csv", *(f".csv{ending}" for ending in OPENERS))
PARQUET_SUFFIXES = (".parquet", ".pq")
_LABEL = "label"
_PANDAS_INDEX = "__index_level_"  # prefix of columns in which pandas stores an index that is not a range


def read_csv(path: Path) -> tuple:
    """Reads (x [N, D], labels [N] or `None`, names of classes) from a CSV file of numbers.

    The index that pandas writes is dropped: a first column without a name, or called "Unnamed: 0", that counts the rows
    from 0.

    Raises:
        ValueError: for any other content; the message names the file.
    """
    return _with_numbers(*next(csv_chunks(path)))


def read_parquet(path: Path) -> tuple:
    """As `read_csv`, for a Parquet file with columns of numbers, and a column `label` of numbers or names.

    Raises:
        ValueError: for other columns and for missing values; the message names the column.
        ImportError: without pyarrow, a dependency of tensorflow-datasets.
    """
    return _with_numbers(*next(parquet_chunks(path)))


def table_chunks(path: Path, size: int) -> Iterator[tuple]:
    """Yields (x [B, D], labels) of a table, `size` rows at a time: numbers [B], a list of names, or `None`."""
    return (parquet_chunks if path.name.lower().endswith(PARQUET_SUFFIXES) else csv_chunks)(path, size)


def column_names(path: Path) -> tuple[str, ...]:
    """Returns the names of the columns of a table, without its labels and its index; empty without a header."""
    if path.name.lower().endswith(PARQUET_SUFFIXES):
        with _open_parquet(path) as file:
            names = [name for name in file.schema_arrow.names if not name.startswith(_PANDAS_INDEX)]
    else:
        with _open_csv(path) as file:
            cells = _header(file, path)[0]
        names = cells if _names(cells, f"`{path}`") else []
    names = names[1:] if names and is_index_name(names[0]) else names
    return tuple(name for name in names if name.strip().lower() != _LABEL)


def csv_chunks(path: Path, size: int | None = None) -> Iterator[tuple]:
    """Yields (x [B, D], labels) of a CSV file; all of it at once for `None`. See `table_chunks`."""
    with _open_csv(path) as file:
        cells, number, lines = _header(file, path)
        names = _names(cells, f"line {number} of `{path}`")
        if names:
            next(lines, None)
        label, start, texts = names.index(_LABEL) if _LABEL in names else None, 0, None
        while part := _next_lines(lines, size, path):
            if label is not None and (not start or texts is not None):
                texts = _label_texts(part, label, known=texts is not None)
            x, labels = _parsed(part, names, label, texts, start, path)
            if names and is_index_name(cells[0]):
                x = _without_index(x, path, start)
            yield x, labels
            start += len(part)
        if not start:
            raise ValueError(f"`{path}` must hold data. Received: no rows")


def _parsed(lines, names, label, texts, start, path):
    """Returns (x, labels) of lines, of which the first is row `start` of the table."""
    kept = [number for number in range(len(names)) if texts is None or number != label]
    if names and not kept:
        raise ValueError(f"`{path}` must have a column besides `label`. Received: none")
    options = {} if texts is None else {"usecols": kept}
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None, quotechar='"', **options)
    except (ValueError, IndexError) as error:
        where = f", counting rows from {start}{' after the header' if names and not start else ''}"
        raise ValueError(f"`{path}` must be numbers separated by commas{where}. Received: {error}") from error
    if names and len(kept) != rows.shape[1]:
        raise ValueError(f"`{path}` must have a name for each column. Received: {len(names)} for {rows.shape[1]}")
    if label is not None and texts is None:
        return np.delete(rows, label, axis=1), rows[:, label]
    return rows, texts


@contextlib.contextmanager
def _open_csv(path):
    opened = open if path.suffix.lower() == ".csv" else OPENERS[path.suffix.lower()]
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        yield file


def _header(file, path):
    """Returns the cells of the first line, its number, and an iterator of all lines with text, the first included."""
    numbered_lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
    with _csv_errors(path):
        number, first = next(numbered_lines, (1, ""))
        cells = [cell.strip() for cell in next(csv.reader([first]), [])]
    return cells, number, itertools.chain([first] if first else [], (line for _, line in numbered_lines))


def _next_lines(lines, size, path):
    with _csv_errors(path):
        return list(itertools.islice(lines, size))


@contextlib.contextmanager
def _csv_errors(path):
    try:
        yield
    except (ValueError, OSError, EOFError, csv.Error, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"`{path}` must be numbers separated by commas. Received: {error}") from error


def parquet_chunks(path: Path, size: int | None = None) -> Iterator[tuple]:
    """Yields (x [B, D], labels) of a Parquet file; all of it at once for `None`. See `table_chunks`."""
    import pyarrow

    with _open_parquet(path) as file, _parquet_errors(path):
        if size is None or not file.metadata.num_rows:
            yield _columns(file.read(), path, 0)
            return
        start = 0
        for batch in file.iter_batches(batch_size=size):
            yield _columns(pyarrow.Table.from_batches([batch]), path, start)
            start += len(batch)


@contextlib.contextmanager
def _open_parquet(path):
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"Reading `{path}` needs pyarrow: pip install pyarrow") from error
    with _parquet_errors(path):
        file = parquet.ParquetFile(path)
    with file:
        yield file


@contextlib.contextmanager
def _parquet_errors(path):
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"`{path}` could not be read as Parquet: {error}") from error


def _columns(table, path, start):
    """Returns (x, labels) of a table of pyarrow, of which the first row is row `start` of the file."""
    import pyarrow

    columns, labels = [], None
    for name, column in zip(table.column_names, table.columns, strict=True):
        coded = pyarrow.types.is_dictionary(column.type)
        kind = column.type.value_type if coded else column.type
        is_label = name.strip().lower() == _LABEL
        if coded and is_label:
            column, coded = column.cast(kind), False
        number = any(
            check(kind) for check in (pyarrow.types.is_integer, pyarrow.types.is_floating, pyarrow.types.is_boolean)
        )
        if name.startswith(_PANDAS_INDEX):
            continue
        if column.null_count and (number or not is_label):
            raise ValueError(f"`{path}` must have no missing values. Received: {column.null_count} in column {name!r}")
        if is_label and labels is None:
            labels = column.to_numpy() if number else _texts(column.to_pylist())
        elif is_label or not number or coded:
            raise ValueError(
                f"`{path}` must have columns of numbers, and at most one `label`. "
                f"Received: column {name!r} of {column.type}"
            )
        else:
            columns.append(column.to_numpy())
    if not columns or not len(table):
        raise ValueError(f"`{path}` must hold data. Received: {len(table)} rows of {len(columns)} columns")
    x = np.stack(columns, axis=1).astype(np.float64)  # bytes would pass for pixels
    has_index = is_index_name(next(name for name in table.column_names))
    return (_without_index(x, path, start) if has_index else x), labels


def _with_numbers(x, labels):
    return (x, *numbered(labels)) if isinstance(labels, list) else (x, labels, ())


def _texts(labels):
    """Returns labels as texts, `None` for missing ones."""
    texts = [label.decode() if isinstance(label, bytes) else label for label in labels]
    return [None if text is None or text == "" else str(text) for text in texts]


def numbered(labels: Iterable) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns string labels as indices [N] into the sorted names, -1 for missing ones, and the names."""
    texts = _texts(labels)
    names = sorted({text for text in texts if text is not None})
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([-1 if text is None else numbers[text] for text in texts], np.int32), tuple(names)


def _without_index(rows, path, start):
    if not np.array_equal(rows[:, 0], np.arange(start, start + len(rows))):
        raise ValueError(
            f"`{path}` must have a name for each column, or an index that counts the rows from 0: write it with "
            f"df.to_csv(path, index=False). Received: a first column without a name, that begins with {rows[0, 0]:g}"
        )
    if rows.shape[1] == 1:
        raise ValueError(f"`{path}` must have a column besides its index. Received: none")
    return rows[:, 1:]


def _label_texts(lines, column, known=False):
    """Returns the labels of all rows as strings if they are known to be, or the first is; otherwise `None`."""
    first = next(csv.reader(lines[:1]), [])
    if not known and (len(first) <= column or _is_number(first[column])):
        return None
    return [row[column].strip() if column < len(row) else "" for row in csv.reader(lines)]


def _names(cells, place):
    """Returns the column names in lower case if the first line of a table is a header."""
    names = [cell.lower() for cell in cells]
    number = next((cell for cell in cells if _is_number(cell)), None)
    name = next((cell for cell in cells if not _is_number(cell)), None)
    if name is None:
        return []
    pandas_array = cells[0] == "" and cells[1:] == [str(i) for i in range(len(cells) - 1)]  # an array written by pandas
    if number is not None and _LABEL not in names and not pandas_array:  # otherwise it is data with a typo
        raise ValueError(f"{place} must hold only numbers, or only names. Received: {name!r} and {number!r}")
    if names.count(_LABEL) > 1:
        raise ValueError(f"{place} must name at most one column `label`. Received: {names.count(_LABEL)}")
    return names


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True
