"""Loads whole data sets as arrays, and opens the source of examples for a name or a path."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_ae.datasets.binarization import binarize as binarize_array
from keras_ae.datasets.binarization import check_binarization_seed, check_mode
from keras_ae.datasets.catalogue import DatasetInfo, available
from keras_ae.datasets.sources.sharded_source import ShardedSource, is_sharded
from keras_ae.validation.arguments import check_size

if TYPE_CHECKING:
    from keras_ae.datasets.sources.indexed_source import IndexedSource
    from keras_ae.datasets.sources.tfds_source import TfdsSource

_LARGEST_SIDE = 2**14  # largest side to resize to, in pixels; 1024 x 1024 is large for these models


def load(
    name: str | os.PathLike,
    split: str = "train",
    *,
    binarize: str | None = None,
    seed: int = 0,
    download: bool = False,
    image_size: Sequence[int] | None = None,
    channels: int | None = None,
) -> tuple[np.ndarray, np.ndarray | dict[str, np.ndarray] | None]:
    """Loads a data set as arrays.

    Args:
        name: "digits", "strokes", any image set of TFDS ("mnist", "emnist/letters"), or the path of a folder of images,
            a `.npy`, a `.npz`, a `.csv` (also `.csv.gz`, `.csv.bz2`, `.csv.xz`) or a `.parquet`. An existing path takes
            precedence. A path with `*`, such as "data/train-*.tfrecord" or "data/*.parquet", is all files that match.
            Tables hold numbers; a column `label` may hold names, which become sorted class indices:
            `info(path).class_names`. A pandas index that counts the rows from 0 is dropped. An array [N, H, W] in a
            `.npy` or `.npz` holds images; the array `sequences` of a `.npz` holds sequences [N, T, C].
        split: a split in TFDS syntax: "train", "test[:1000]", "train[:90%]", "train+test". Files have only "train".
        binarize: `None`, or "fixed" for `binarize(x, seed)`.
        seed: seed of the binarization, an integer in [0, 2**32).
        download: whether a missing TFDS data set may be downloaded.
        image_size: (H, W) to resize the images of a folder or of TFDS to.
        channels: 1 or 3 for the images of a folder; `None` for 1 if all are gray.

    Returns:
        (x, y). x is float32: images [N, H, W, C] or volumes [N, D, H, W, C] in [0, 1], vectors [N, D] or sequences
        [N, T, C]. y is int32 [N], with -1 for unknown labels; a dict of arrays for data sets with several properties,
        such as "strokes"; or `None`.

    Raises:
        ValueError: for an invalid name, split, file or value; the message names the file and the index.
        FileNotFoundError: for a missing file or TFDS data set; the message says what to run.

    Example:
        >>> x, y = load("digits", "test")
        >>> x.shape, y.shape
        ((360, 8, 8, 1), (360,))
    """
    check_mode(binarize, allowed=(None, "fixed"))
    check_binarization_seed(seed)
    x, y = open_source(name, download=download, image_size=image_size, channels=channels).load(split)
    return (x if binarize is None else binarize_array(x, seed)), y


def info(name: str | os.PathLike, **options) -> DatasetInfo:
    """Describes a data set.

    Args:
        name: as in `load`. The names of `available()` need no download.
        **options: `image_size`, `channels` and `download` of `load`.

    Raises:
        ValueError, FileNotFoundError: as `load`.

    Example:
        >>> info("digits").splits
        {'train': 1437, 'test': 360}
    """
    known = {entry.name: entry for entry in available()}
    if name in known and not options and not Path(name).exists():
        return known[name]
    return open_source(name, **options).info


def open_source(
    name: str | os.PathLike,
    *,
    download: bool = False,
    image_size: Sequence[int] | None = None,
    channels: int | None = None,
) -> "IndexedSource | TfdsSource":
    """Resolves a name: first an existing file or folder, then a data set that needs no download, then TFDS.

    Arguments and errors are as in `load`.
    """
    if not isinstance(name, (str, os.PathLike)) or not os.fspath(name):
        raise ValueError(f"`name` must be a name or a path; for arrays, use `batches`. Received: name={name!r}")
    image_size = _check_image_size(image_size)
    path = Path(name).expanduser()
    if path.exists():
        return _open_path(path, image_size, channels)
    if is_sharded(os.fspath(name)):
        return ShardedSource(name)
    if isinstance(name, os.PathLike) or _looks_like_a_path(name):
        raise FileNotFoundError(f"`name` must be a file or folder that exists, or a name. Received: {str(name)!r}")
    return _open_name(name, download, image_size)


def _check_image_size(image_size):
    if image_size is None:
        return None
    try:
        height, width = (check_size("image_size", side, high=_LARGEST_SIDE) for side in image_size)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`image_size` must be None or (H, W), whole numbers from 1 to {_LARGEST_SIDE}. "
            f"Received: image_size={image_size!r}"
        ) from error
    return height, width


def _open_path(path, image_size, channels):
    if path.is_dir():
        from keras_ae.datasets.sources.folder_source import FolderSource

        return FolderSource(path, image_size=image_size, channels=channels)
    if is_sharded(path.name):
        return ShardedSource(glob.escape(str(path)))
    from keras_ae.datasets.sources.array_source import open_file

    return open_file(path)


def _open_name(name, download, image_size):
    if name in ("digits", "strokes"):
        from keras_ae.datasets.sources.embedded_sources import DigitsSource, StrokesSource

        return DigitsSource() if name == "digits" else StrokesSource()
    from keras_ae.datasets.sources.tfds_source import TfdsSource

    return TfdsSource(name, download=download, image_size=image_size)


def _looks_like_a_path(name):
    # TFDS has slashes and dots as well: "emnist/letters", "mnist:3.0.1".
    return name.startswith((".", "~")) or Path(name).is_absolute() or (":" not in name and Path(name).suffix != "")
