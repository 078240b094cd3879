"""Where Keras writes the files of a model: beside their place, and renamed into it."""

import contextlib
import io
import os
import pathlib

from keras_ae.io.writing import replacing


def check_model_path(filepath, zipped):
    """Raises a `ValueError` for anything but a path of a `.keras` file."""
    if not _ends(filepath, ".keras") or zipped is False:
        received = f"filepath={filepath!r}" + (", zipped=False" if zipped is False else "")
        raise ValueError(
            "`filepath` must be a path that ends in .keras, the one format that keeps the whole model: "
            f'model.save("model.keras"). Received: {received}'
        )


def check_weights_path(filepath, max_shard_size):
    """Raises a `ValueError` for anything but a path of a single `.weights.h5` file."""
    if not _ends(filepath, ".weights.h5") or max_shard_size is not None:
        raise ValueError(
            "`filepath` must be a path that ends in .weights.h5, and `max_shard_size` must be None. Received: "
            f"filepath={filepath!r}, max_shard_size={max_shard_size!r}"
        )


def _ends(filepath, suffix):
    return isinstance(filepath, (str, os.PathLike)) and os.fspath(filepath).endswith(suffix)


class WeightsFile(io.BytesIO):
    """A file in memory that Keras takes for one of weights: HDF5 itself crashes the process on a full disk."""

    def __str__(self):
        return ".weights.h5"


@contextlib.contextmanager
def replacing_file(filepath, overwrite):
    """Gives a temporary path beside a file, or beside what a link leads to, and moves what is written into place.

    Of another machine, such as gs://bucket/model.keras, it gives the address: Keras writes there in one piece.
    """
    filepath = os.fspath(filepath)
    if "://" in filepath:
        yield filepath
        return
    path = pathlib.Path(os.path.realpath(filepath))
    if not overwrite and path.exists():
        raise FileExistsError(f"There is a file {filepath} already: `overwrite=True` replaces it.")
    with replacing(path) as temporary:
        yield temporary
