"""Conversion of users' data (tables, tensors, masked arrays, nested lists) to NumPy arrays, or a clear error."""

import numpy as np

_NUMBERS = "iufb"
_DENSE = {"i": np.int64, "u": np.uint64, "b": np.bool_, "f": np.float64}  # the dtypes of converted nullable columns
_INDEX_NAMES = ("", "Unnamed: 0")  # column names of an index that pandas wrote to a CSV file


def as_array(values, name: str) -> np.ndarray:
    """Returns array-like data as an array; a table must hold only numbers.

    Args:
        values: array, tensor, nested lists, or a column or table of pandas. Nullable columns become numbers, with NaN
            for missing values; a categorical column becomes its categories.
        name: name of the data in errors.

    Returns:
        Array of any dtype, `values` itself if it is one.

    Raises:
        ValueError: for masked values, sparse and ragged data, and tables with missing or non-numeric values.
    """
    if type(values) is not np.ndarray:
        _refuse_others(values, name)
        if hasattr(values, "iloc") and hasattr(values, "columns"):
            return _table(values, name)
        values = _column(values) if _is_column(values) else _array(values, name)
    if values.dtype.kind == "V" and "float" in values.dtype.name:  # bfloat16
        values = values.astype(np.float32)
    return values


def is_index_name(name) -> bool:
    """Whether a column has the name of an index that pandas wrote to a file."""
    return str(name).strip() in _INDEX_NAMES


def _array(values, name):
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        if "inhomogeneous" in str(error):
            raise ValueError(
                f"`{name}` must have examples of one shape: pad or cut them. Received: a {type(values).__name__} of "
                "rows of different lengths"
            ) from error
        raise ValueError(f"`{name}` must be an array of numbers. Received: {type(values).__name__}: {error}") from error
    if array.dtype == object and array.ndim == 0:
        raise ValueError(f"`{name}` must be an array of numbers. Received: {type(values).__name__}")
    return array


def _refuse_others(values, name):
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"`{name}` must have no masked values: fill them in ({name}.filled(...)), or leave out their rows. "
            f"Received: {np.ma.count_masked(values)} masked values"
        )
    if hasattr(values, "nested_row_splits"):  # tf.RaggedTensor
        raise ValueError(
            f"`{name}` must have examples of one shape: {name}.to_tensor(shape=...) pads them. Received: a RaggedTensor"
        )
    if hasattr(values, "dense_shape") or (hasattr(values, "toarray") and hasattr(values, "nnz")):
        dense = f"tf.sparse.to_dense({name})" if hasattr(values, "dense_shape") else f"{name}.toarray()"
        raise ValueError(f"`{name}` must be dense: {dense}. Received: a {type(values).__name__}")


def _is_column(values):
    """Whether values are a series, an index or an array of pandas."""
    return hasattr(values, "isna") and hasattr(values, "to_numpy")


def _column(values):
    kind = getattr(values.dtype, "kind", "O")
    if isinstance(values.dtype, np.dtype) and kind != "O":
        return np.asarray(values)
    if kind not in _NUMBERS:  # strings, categories, dates, objects
        return np.asarray(values) if kind == "O" else np.asarray(values.astype(object))
    if values.isna().any():
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.to_numpy(dtype=_DENSE[kind])


def _table(frame, name):
    columns = []
    for number, label in enumerate(frame.columns):
        if number == 0 and is_index_name(label):
            raise ValueError(
                f"`{name}` must not have the index of a table among its columns: read the file with "
                f"pd.read_csv(path, index_col=0). Received: column {label!r}"
            )
        column = frame.iloc[:, number]
        values = _column(column)
        if values.dtype.kind not in _NUMBERS or str(column.dtype) == "category":
            step = "make it a number, such as days since a date" if "date" in str(column.dtype) else _DUMMIES
            raise ValueError(f"`{name}` must hold numbers; {step}. Received: column {label!r} of dtype {column.dtype}")
        missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(1, bool)
        if missing.any():
            raise ValueError(
                f"`{name}` must be finite: fill in missing values ({name}.fillna(...)) or drop their rows "
                f"({name}.dropna()). Received: column {label!r} without a value at row {int(np.argmax(missing))}"
            )
        columns.append(values)
    return np.stack(columns, axis=1) if columns else np.empty([len(frame), 0], np.float32)


_DUMMIES = "pd.get_dummies(..., dtype=float) makes columns of 0 and 1 of names"
