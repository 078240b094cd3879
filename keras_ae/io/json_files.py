"""Human-readable JSON files, validated when they are read."""

import json
import math
import os
import pathlib
from typing import Any

from keras_ae.io.writing import replacing


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes indented JSON, with NumPy numbers as numbers, and NaN and infinity as null."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike) -> dict[str, Any]:
    """Reads a dictionary from a JSON file.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: for a damaged file, or another value.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged and could not be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} must contain a dictionary. Received: {type(value).__name__}")
    return value


def check_json(argument: str, value: Any) -> Any:
    """Returns a value in its JSON form, or raises a `ValueError` if it has none."""
    try:
        return json.loads(json.dumps(plain(value)))
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(
            f"`{argument}` must consist of strings, numbers, lists and dictionaries, as in JSON. Received: {error}"
        ) from error


def plain(value: Any) -> Any:
    """Converts NumPy numbers, paths and tuples for JSON, and NaN and infinity to null."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
