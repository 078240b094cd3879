"""The metadata of a .tflite file: names, units, ranges and labels of its inputs and outputs."""

import json
import os
import pathlib
import struct
from typing import Any

from ai_edge_litert import schema_py_generated as schema

import keras_ae
from keras_ae.autoencoder import Autoencoder
from keras_ae.export.signatures.detector import DetectorSignature

NAME = "keras_ae"  # of the metadata entry in the file
_FORMAT = 1


def describe(
    model: Autoencoder,
    signatures: dict[str, dict],
    omitted: dict[str, str],
    notes: dict[str, dict],
    detector: DetectorSignature | None = None,
) -> dict[str, Any]:
    """Returns the metadata of a .tflite file.

    Args:
        model: the model.
        signatures: {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}}.
        omitted: {signature: why it is omitted}.
        notes: descriptions of the inputs and outputs.
        detector: the detector in the file, or `None`.
    """
    return {
        "format": _FORMAT,
        "producer": f"keras_ae {keras_ae.__version__}",
        "model": type(model).__name__,
        "omitted": omitted,
        **({} if detector is None else {"detector": detector.facts}),
        "signatures": {
            signature: {
                side: {name: {**tensor, **notes[name]} for name, tensor in tensors.items()}
                for side, tensors in sides.items()
            }
            for signature, sides in signatures.items()
        },
    }


def litert_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the metadata of a .tflite file that `kae.export.litert` wrote.

    Args:
        path: the file.

    Returns:
        Dictionary with "signatures", {signature: {"inputs" and "outputs": {name: {"dtype", "shape", "description",
        "unit", "range", "labels"}}}}, and "omitted", {signature: why it is omitted}; for an outlier detector also
        "detector", with "threshold", "false_alarm_rate" and more.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for another file.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    content = path.read_bytes()
    try:
        text = _read(content)
        metadata = None if text is None else json.loads(text)
    except (struct.error, IndexError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} could not be read as a .tflite file: {error}") from error
    if not isinstance(metadata, dict) or metadata.get("format") != _FORMAT:
        raise ValueError(f"{path} must hold metadata of keras_ae, format {_FORMAT}: export the model again.")
    return metadata


def _read(content):
    """Returns the metadata in the contents of a file as bytes, or `None`."""
    if content[4:8] != b"TFL3":
        raise ValueError("it has another file identifier.")
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        if model.Metadata(index).Name() == NAME.encode():
            return model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy().tobytes()
    return None
