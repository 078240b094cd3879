"""Opens the source of examples for a name or a path."""

import os
from pathlib import Path

from keras_ae.validation.arguments import check_size

_LARGEST_SIDE = 2**14  # largest side to resize to, in pixels; 1024 x 1024 is large for these models


def open_source(name, *, download=False, image_size=None, channels=None):
    """Resolves a name: first an existing file or folder, then a data set that needs no download, then TFDS.

    Args:
        name: string or path, as in `load`.
        download, image_size, channels: as in `load`.

    Returns:
        An `IndexedSource` or a `TfdsSource`.

    Raises:
        ValueError: if the name is unknown, or its data cannot be read.
        FileNotFoundError: for a path that does not exist, or a missing TFDS data set.
    """
    if not isinstance(name, (str, os.PathLike)) or not os.fspath(name):
        raise ValueError(f"`name` must be a name or a path; for arrays, use `batches`. Received: name={name!r}")
    image_size = _check_image_size(image_size)
    path = Path(name).expanduser()
    if path.exists():
        return _open_path(path, image_size, channels)
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
    from keras_ae.datasets.sources.array_source import open_file

    return open_file(path)


def _open_name(name, download, image_size):
    if name == "digits":
        from keras_ae.datasets.sources.digits_source import DigitsSource

        return DigitsSource()
    if name == "strokes":
        from keras_ae.datasets.sources.strokes_source import StrokesSource

        return StrokesSource()
    from keras_ae.datasets.sources.tfds_source import TfdsSource

    return TfdsSource(name, download=download, image_size=image_size)


def _looks_like_a_path(name):
    # TFDS has slashes and dots as well: "emnist/letters", "mnist:3.0.1".
    return name.startswith((".", "~")) or Path(name).is_absolute() or (":" not in name and Path(name).suffix != "")


def info(name, **options):
    """Describes a data set.

    Args:
        name: as in `load`.
        **options: `image_size`, `channels` and `download` of `load`.

    Returns:
        A `DatasetInfo`. The names of `available()` need no download.

    Raises:
        ValueError, FileNotFoundError: as `load`.

    Example:
        >>> info("digits").splits
        {'train': 1437, 'test': 360}
    """
    from keras_ae.datasets.catalogue import available

    known = {entry.name: entry for entry in available()}
    if name in known and not options and not Path(name).exists():
        return known[name]
    return open_source(name, **options).info
