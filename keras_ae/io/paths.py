"""Validation of paths from users and from untrusted files."""

import os
import pathlib
from typing import Any


def check_path(argument: str, value: Any) -> pathlib.Path:
    """Returns the name of a file or folder as a `pathlib.Path`.

    Raises:
        TypeError: for a value that is neither a string nor a path.
        ValueError: for an impossible file name.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"`{argument}` must be a path. Received: {value!r}")
    path = pathlib.Path(value)
    if "\0" in str(path):
        raise ValueError(f"`{argument}` must be a path without NUL characters. Received: {value!r}")
    return path


def check_file(path: Any, suffix: str) -> pathlib.Path:
    """Returns the path of a new file as a `pathlib.Path`, or raises a `ValueError` if it does not end in `suffix`."""
    path = check_path("path", path)
    if path.suffix != suffix:
        raise ValueError(f"`path` must end in {suffix}. Received: {path}")
    if path.is_dir():
        raise ValueError(f"`path` must not be a directory. Received: {path}")
    return path


def inside(folder: str | os.PathLike, name: str) -> pathlib.Path:
    """Returns the path of a file in a folder, given an untrusted name such as "a.txt" or "b/a.txt".

    Raises:
        ValueError: for a name that leads out of the folder, or is not in canonical form.

    Example:
        >>> inside("exports", "cvae.tflite").as_posix()
        'exports/cvae.tflite'
    """
    parts = pathlib.PurePosixPath(name).parts if isinstance(name, str) else ()
    if not parts or "/".join(parts) != name or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"A name must refer to a file inside its folder. Received: {name!r}")
    return pathlib.Path(folder, *parts)
