"""Tables in files: CSV, also compressed, and Parquet."""

import bz2
import csv
import gzip
import lzma
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_ae.validation.arrays import is_index_name

_OPEN = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
CSV_SUFFIXES = (".csv", *(f".csv{ending}" for ending in _OPEN))
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
    opened = open if path.suffix.lower() == ".csv" else _OPEN[path.suffix.lower()]
    try:
        with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
            lines = file.readlines()
        first = next((number for number, line in enumerate(lines) if line.strip()), 0)
        cells = [cell.strip() for cell in next(csv.reader(lines[first : first + 1]), [])]
    except (ValueError, OSError, EOFError, csv.Error, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"`{path}` must be numbers separated by commas. Received: {error}") from error
    names = _names(cells, f"line {first + 1} of `{path}`")
    lines = [line for line in lines[first + bool(names) :] if line.strip()]
    if not lines:
        raise ValueError(f"`{path}` must hold data. Received: no rows")
    label = names.index(_LABEL) if _LABEL in names else None
    texts = None if label is None else _label_texts(lines, label)
    kept = [number for number in range(len(names)) if texts is None or number != label]
    if names and not kept:
        raise ValueError(f"`{path}` must have a column besides `label`. Received: none")
    options = {} if texts is None else {"usecols": kept}
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None, quotechar='"', **options)
    except (ValueError, IndexError) as error:
        where = ", counting rows from 0 after the header" if names else ", counting rows from 0"
        raise ValueError(f"`{path}` must be numbers separated by commas{where}. Received: {error}") from error
    if names and len(kept) != rows.shape[1]:
        raise ValueError(f"`{path}` must have a name for each column. Received: {len(names)} for {rows.shape[1]}")
    labels, classes = (None, ()) if texts is None else numbered(texts)
    if label is not None and texts is None:
        rows, labels = np.delete(rows, label, axis=1), rows[:, label]
    if names and is_index_name(cells[0]):
        rows = _without_index(rows, path)
    return rows, labels, classes


def read_parquet(path: Path) -> tuple:
    """As `read_csv`, for a Parquet file with columns of numbers, and a column `label` of numbers or names.

    Raises:
        ValueError: for other columns and for missing values; the message names the column.
        ImportError: without pyarrow, a dependency of tensorflow-datasets.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"Reading `{path}` needs pyarrow: pip install pyarrow") from error
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"`{path}` could not be read as Parquet: {error}") from error
    columns, labels, classes = [], None, ()
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
            labels, classes = (column.to_numpy(), ()) if number else numbered(column.to_pylist())
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
    return (_without_index(x, path) if has_index else x), labels, classes


def numbered(labels: Iterable) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns string labels as indices [N] into the sorted names, -1 for missing ones, and the names."""
    texts = [label.decode() if isinstance(label, bytes) else label for label in labels]
    texts = [None if text == "" else text for text in texts]
    names = sorted({str(text) for text in texts if text is not None})
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([-1 if text is None else numbers[str(text)] for text in texts], np.int32), tuple(names)


def _without_index(rows, path):
    if not np.array_equal(rows[:, 0], np.arange(len(rows))):
        raise ValueError(
            f"`{path}` must have a name for each column, or an index that counts the rows from 0: write it with "
            f"df.to_csv(path, index=False). Received: a first column without a name, that begins with {rows[0, 0]:g}"
        )
    if rows.shape[1] == 1:
        raise ValueError(f"`{path}` must have a column besides its index. Received: none")
    return rows[:, 1:]


def _label_texts(lines, column):
    """Returns the labels of all rows as strings if the first is not a number; otherwise `None`."""
    first = next(csv.reader(lines[:1]), [])
    if len(first) <= column or _is_number(first[column]):
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
