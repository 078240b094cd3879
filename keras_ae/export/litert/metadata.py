"""The metadata of a .tflite file: names, units, ranges and labels of its inputs and outputs."""

import json
import pathlib
import struct

from ai_edge_litert import schema_py_generated as schema

import keras_ae

NAME = "keras_ae"  # of the buffer in the file
_FORMAT = 1


def describe(model, signatures, omitted, notes):
    """The metadata of a .tflite file, a dictionary for JSON.

    Args:
        model: the model.
        signatures: {signature: {"inputs" and "outputs": {name: {"dtype", "shape"}}}}.
        omitted: {signature: why it is not there}.
        notes: what `descriptions` gives.
    """
    return {
        "format": _FORMAT,
        "producer": f"keras_ae {keras_ae.__version__}",
        "model": type(model).__name__,
        "omitted": omitted,
        "signatures": {
            signature: {
                side: {name: {**tensor, **notes[name]} for name, tensor in tensors.items()}
                for side, tensors in sides.items()
            }
            for signature, sides in signatures.items()
        },
    }


def litert_metadata(path):
    """What a .tflite file that `kae.export.litert` wrote says of itself.

    Args:
        path: the file.

    Returns:
        Dictionary: "signatures" is {signature: {"inputs" and "outputs": {name: {"dtype", "shape", "description",
        "unit", "range", "labels"}}}}, with null where there is none; "omitted" says why a signature is not there.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is no .tflite file, or was written by something else.
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
    """The bytes of the metadata in the content of a file; `None` where it has none."""
    if content[4:8] != b"TFL3":
        raise ValueError("it does not begin like one.")
    model = schema.Model.GetRootAs(content, 0)
    for index in range(model.MetadataLength()):
        if model.Metadata(index).Name() == NAME.encode():
            return model.Buffers(model.Metadata(index).Buffer()).DataAsNumpy().tobytes()
    return None
