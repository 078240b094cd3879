"""The file of a fitted detector: its model, numbers and arrays in one ZIP file, without pickle."""

import pathlib
import tempfile
import zipfile
from typing import Any

import keras
import numpy as np

import keras_ae
from keras_ae.autoencoder import Autoencoder
from keras_ae.io.archives import check_archive
from keras_ae.io.json_files import read_json, write_json
from keras_ae.io.writing import replacing
from keras_ae.loading import load

_FORMAT = 3
FACTS, ARRAYS = "detector.json", "arrays.npz"
_MODEL = "model.keras"


def write_archive(path: pathlib.Path, model: keras.Model, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Writes a detector file, or leaves the old one if it fails."""
    with replacing(path) as temporary, tempfile.TemporaryDirectory(dir=temporary.parent) as folder:
        folder = pathlib.Path(folder)
        model.save(folder / _MODEL)
        write_contents(folder, facts, arrays)
        with zipfile.ZipFile(temporary, "w") as archive:
            for name in (_MODEL, FACTS, ARRAYS):
                archive.write(folder / name, name)


def read_archive(
    path: pathlib.Path, custom_objects: dict | None
) -> tuple[Autoencoder, dict[str, Any], dict[str, np.ndarray]]:
    """Reads an untrusted detector file, or raises an error for a damaged one."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        names = check_archive(path)
        if sorted(names) != sorted((_MODEL, FACTS, ARRAYS)):
            raise ValueError(f"it must contain a detector. Received: {', '.join(names[:5])}")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        facts, arrays = read_contents(folder)
        return load(folder / _MODEL, custom_objects=custom_objects), facts, arrays


def write_contents(folder: pathlib.Path, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Writes what a detector has beside its model into a folder, as `FACTS` and `ARRAYS`."""
    write_json(folder / FACTS, {"format": _FORMAT, **facts})
    np.savez(folder / ARRAYS, **arrays)


def read_contents(folder: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads untrusted files of `write_contents`, or raises an error for damaged ones."""
    facts = read_json(folder / FACTS)
    if facts.get("format") != _FORMAT:
        raise ValueError(
            f"keras_ae {keras_ae.__version__} reads detector files of format {_FORMAT}: fit the detector "
            f"again, or load it with the version that wrote it. Received: format {facts.get('format')!r}"
        )
    check_archive(folder / ARRAYS)
    with np.load(folder / ARRAYS, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("its arrays must be finite numbers.")
    return facts, arrays
