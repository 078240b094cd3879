"""JSON that people read, written and read back with checks."""

import json
import math
import pathlib

from keras_ae.io.writing import replacing


def write_json(path, value):
    """Writes JSON for people: indented, NumPy numbers as numbers, NaN and infinity as null."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path):
    """Reads a dictionary from a JSON file.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: for a file that is damaged, or holds something else.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, it could not be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} must hold a dictionary. Received: {type(value).__name__}")
    return value


def check_json(argument, value):
    """Returns a value as JSON has it, or raises a `ValueError` where JSON does not have it."""
    try:
        return json.loads(json.dumps(plain(value)))
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(
            f"`{argument}` must consist of texts, numbers, lists and dictionaries, as JSON does. Received: {error}"
        ) from error


def plain(value):
    """A value as JSON has it: NumPy numbers as numbers, NaN and infinity as null, tuples as lists, paths as texts."""
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
