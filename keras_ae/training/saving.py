"""Saving of models and weights by Keras, made atomic: written to a temporary file that is then renamed."""

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
    """A file in memory, with a name that Keras accepts for weights, because HDF5 crashes the process on a full disk."""

    def __str__(self):
        return ".weights.h5"


@contextlib.contextmanager
def replacing_file(filepath, overwrite):
    """Context with a temporary path, which is renamed to `filepath`, or to the target of a link, at the end.

    Yields remote addresses such as gs://bucket/model.keras unchanged: Keras uploads a complete file.
    """
    filepath = os.fspath(filepath)
    if "://" in filepath:
        yield filepath
        return
    path = pathlib.Path(os.path.realpath(filepath))
    if not overwrite and path.exists():
        raise FileExistsError(f"The file {filepath} exists: `overwrite=True` replaces it.")
    with replacing(path) as temporary:
        yield temporary
