"""The files of a preset: the members of a `.keras` file without its optimizer, and the contents of a detector."""

import io
import json
import pathlib
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.io.json_files import write_json
from keras_ae.loading import load
from keras_ae.released.preset_catalogue import DETECTOR

if TYPE_CHECKING:  # `keras_ae.outliers` imports scikit-learn, which models do not need
    from keras_ae.outliers import OutlierDetector

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"


def write_model(model: Autoencoder, folder: pathlib.Path, *, float16: bool = False) -> None:
    """Writes config, weights and metadata of a model into a folder.

    Raises:
        ValueError: for weights that float16 cannot hold.
    """
    with tempfile.TemporaryDirectory(prefix="keras-ae-") as scratch:
        path = pathlib.Path(scratch) / "model.keras"
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            config, weights, metadata = (archive.read(name) for name in (CONFIG, WEIGHTS, METADATA))
    config = {name: value for name, value in json.loads(config).items() if name != "compile_config"}
    write_json(folder / CONFIG, config)
    write_json(folder / METADATA, {**json.loads(metadata), "parameter_count": model.count_params()})
    kept = io.BytesIO()
    with h5py.File(io.BytesIO(weights), "r") as source, h5py.File(kept, "w") as target:
        for name in source:
            if not name.endswith("optimizer"):
                _copy(source[name], target, name, float16)
    (folder / WEIGHTS).write_bytes(kept.getbuffer())


def read_model(folder: pathlib.Path) -> Autoencoder:
    """Loads the model of a preset as safely as any untrusted `.keras` file, in float32."""
    with tempfile.TemporaryDirectory(prefix="keras-ae-") as scratch:
        path = pathlib.Path(scratch) / "model.keras"
        with zipfile.ZipFile(path, "w") as archive:
            for name in (METADATA, CONFIG, WEIGHTS):
                archive.write(folder / name, name)
        try:
            return load(path, compile=False)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), str(folder))) from error


def read(folder: pathlib.Path, card: dict[str, Any]) -> "Autoencoder | OutlierDetector":
    """Returns the model or the detector in a folder whose files match its card."""
    model = read_model(folder)
    return read_detector(folder, model) if DETECTOR in card["files"] else model


def split(given: Any) -> "tuple[Autoencoder, OutlierDetector | None]":
    """Returns (model, `None`), or for a detector (its model, the detector).

    Raises:
        ValueError: for a detector that is not fitted, or that exports cannot contain.
    """
    if isinstance(given, Autoencoder):
        return given, None
    from keras_ae.export.signatures.detector import DetectorSignature

    DetectorSignature(given)  # for its errors
    return given.model_, given


def write_detector(detector: "OutlierDetector", folder: pathlib.Path) -> None:
    """Writes what a detector has beside its model."""
    from keras_ae.outliers.archive import write_contents
    from keras_ae.outliers.detector import contents

    write_contents(folder, *contents(detector))


def read_detector(folder: pathlib.Path, model: Autoencoder) -> "OutlierDetector":
    """Returns the fitted detector of a preset, around its model; its files are not trusted."""
    from keras_ae.outliers.archive import read_contents
    from keras_ae.outliers.detector import restored

    try:
        return restored(model, *read_contents(folder))
    except Exception as error:  # the class depends on the damage
        raise ValueError(f"{folder} could not be read as a detector: {error}") from error


def _copy(item, target, name, float16):
    if isinstance(item, h5py.Group):
        made = target.create_group(name)
        for inner in item:
            _copy(item[inner], made, inner, float16)
    else:
        made = target.create_dataset(name, data=_half(item[()], item.name) if float16 else item[()])
    for key, value in item.attrs.items():
        made.attrs[key] = value


def _half(values, name):
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f"`float16` must be False for weights above 65504. Received: {name}")
    return half
