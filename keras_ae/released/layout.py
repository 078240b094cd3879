"""The files of a model in a preset: the members of a `.keras` file without its optimizer."""

import io
import json
import pathlib
import tempfile
import zipfile

import h5py
import numpy as np

from keras_ae.autoencoder import Autoencoder
from keras_ae.io.json_files import write_json
from keras_ae.loading import load

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
