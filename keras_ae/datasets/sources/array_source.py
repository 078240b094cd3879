"""Arrays in memory or in files."""

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from keras_ae.datasets.catalogue import DatasetInfo
from keras_ae.datasets.checks import check, check_labels
from keras_ae.datasets.sources.indexed_source import IndexedSource
from keras_ae.datasets.sources.table_files import CSV_SUFFIXES, PARQUET_SUFFIXES, read_csv, read_parquet

_LARGE = 2**24  # bytes of an array from which it is mapped, where it can be; smaller ones are read and checked
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a member of a ZIP file: the sizes of its name and of its extra field
SUFFIXES = (".npy", ".npz", *CSV_SUFFIXES, *PARQUET_SUFFIXES)


class ArraySource(IndexedSource):
    """The examples of one array.

    Args:
        name: the file's name, for errors.
        x: images [N, H, W, C] or [N, H, W], or volumes [N, D, H, W, C], uint8 or floats in [0, 1]; or vectors [N, D] of
            any finite floats.
        y: labels [N], with -1 for unknown ones; a dict of arrays; or `None`.
        class_names: names of the classes, in the order of the labels; empty if there are none.
        sequences: whether `x` holds sequences [N, T, C] of any finite numbers, with C channels.
    """

    def __init__(
        self,
        name: str,
        x: np.ndarray,
        y: np.ndarray | dict[str, np.ndarray] | None = None,
        class_names: tuple[str, ...] = (),
        sequences: bool = False,
    ):
        if sequences and (x.ndim != 3 or x.size == 0):
            raise ValueError(f"`sequences` of `{name}` must have shape [N, T, C]. Received: {list(x.shape)}")
        if x.ndim not in (2, 3, 4, 5) or x.size == 0:
            raise ValueError(
                f"`{name}` must hold an array [N, H, W, C], [N, H, W], [N, D, H, W, C] or [N, D]. "
                f"Received: {list(x.shape)}"
            )
        self.name, self.x, self.sequences = name, x, sequences
        self.y = None if y is None else check_labels(y, len(x), f"y of {name}")
        shape = (*x.shape[1:], 1) if x.ndim == 3 and not sequences else x.shape[1:]
        classes = None if y is None or isinstance(y, dict) else int(self.y.max()) + 1 or None
        properties = tuple(self.y) if isinstance(y, dict) else ()
        sizes = {"train": len(x)}
        more = {"splits": sizes, "properties": properties, "source": "file"}
        super().__init__(DatasetInfo(name, shape, classes, tuple(class_names), **more))

    def read(self, indices: np.ndarray) -> tuple:
        x = self.x[indices]
        if x.dtype == np.uint8 and not self.sequences:
            x = x.astype(np.float32) / 255.0
        x = self._checked(x, indices)
        if x.ndim == 3 and not self.sequences:
            x = x[..., np.newaxis]
        if isinstance(self.y, dict):
            return x, {key: value[indices] for key, value in self.y.items()}
        return x, None if self.y is None else self.y[indices]

    def _checked(self, x, indices):
        if self.sequences:
            x = x.astype(np.float32) if x.dtype.kind in "iu" else x
            return check(x, self.name, support=None, indices=indices)
        try:
            return check(x, self.name, support=None if x.ndim == 2 else (0.0, 1.0), indices=indices)
        except ValueError as error:
            if x.ndim != 3 or "must be finite" in str(error):
                raise
            advice = (
                ". [N, H, W] is read as images; save sequences [N, T, C] with np.savez(file, sequences=x). Received"
            )
            raise ValueError(str(error).replace(". Received", advice)) from error


def open_file(path: Path) -> ArraySource:
    """Opens a `.npy`, `.npz`, `.csv` (also compressed) or `.parquet` file.

    Returns:
        An `ArraySource`. A `.npy` file is memory-mapped, and so are large arrays in a `.npz` that is not compressed.

    Raises:
        ValueError: if the file is empty, unreadable or has the wrong content; the message names the file.
    """
    suffix = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise ValueError(f"`name` must be a folder or a file that ends in {SUFFIXES}. Received: {str(path)!r}")
    if path.stat().st_size == 0:
        raise ValueError(f"`{path}` must hold data. Received: an empty file")
    read = read_parquet if suffix in PARQUET_SUFFIXES else {".npy": _read_npy, ".npz": _read_npz}.get(suffix, read_csv)
    return ArraySource(str(path), *read(path))


def _read_npy(path):
    try:
        return np.lib.format.open_memmap(path, mode="r"), None
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(_unreadable(path, error)) from error


def _read_npz(path):
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"`{path}` could not be read as .npz: it is not an archive of arrays, such as np.savez writes."
        )
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: _mapped(path, archive, key) for key in archive.files}
    except (ValueError, OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(_unreadable(path, error)) from error
    other = next((key for key, value in arrays.items() if not isinstance(value, np.ndarray)), None)
    if other is not None:
        raise ValueError(f"`{path}` must hold only arrays. Received: {other}")
    key = next((k for k in ("x", "images", "sequences") if k in arrays), None)
    if key is None and len(arrays) == 1:
        key = next(iter(arrays))
    if key is None:
        raise ValueError(
            f"`{path}` must hold an array `x`, `images` or `sequences`, or a single array. Received: {list(arrays)}"
        )
    x = arrays.pop(key)
    for label in ("y", "labels"):
        if label in arrays and len(arrays) == 1:
            return x, arrays[label], (), key == "sequences"
    return x, arrays or None, (), key == "sequences"


def _mapped(path, archive, key):
    """Returns an array of an archive: memory-mapped if it is large and not compressed, otherwise read."""
    name = next(name for name in (f"{key}.npy", key) if name in archive.zip.namelist())
    member = archive.zip.getinfo(name)
    if member.file_size < _LARGE or member.compress_type != zipfile.ZIP_STORED:
        return archive[key]
    with open(path, "rb") as file:
        file.seek(member.header_offset)
        sizes = file.read(_LOCAL_HEADER.size)
        file.seek(sum(_LOCAL_HEADER.unpack(sizes)), 1)  # the name, and what zipfile adds
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            return archive[key]  # which refuses it
        order = "F" if fortran else "C"
        return np.memmap(path, dtype, mode="r", offset=file.tell(), shape=shape, order=order)


def _unreadable(path, error):
    reason = f"{error}."
    if "object" in str(error).lower():  # NumPy's message advises allow_pickle, which may run code
        reason = 'it holds Python objects. Save it again without objects: np.save(file, array.astype("float32")).'
    return f"`{path}` could not be read as {path.suffix}: {reason}"
