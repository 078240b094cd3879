"""Paths that come from users, and from files that anybody may have written."""

import os
import pathlib


def check_path(argument, value):
    """Returns what a caller gives as the name of a file or folder as a `pathlib.Path`.

    Raises:
        TypeError: for what is no text and no path.
        ValueError: for a name that no file can have.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"`{argument}` must be a path. Received: {value!r}")
    path = pathlib.Path(value)
    if "\0" in str(path):
        raise ValueError(f"`{argument}` must be a path without NUL characters. Received: {value!r}")
    return path


def check_file(path, suffix):
    """Returns the path of a file to be as a `pathlib.Path`, or raises a `ValueError` if it does not end in `suffix`."""
    path = check_path("path", path)
    if path.suffix != suffix:
        raise ValueError(f"`path` must end in {suffix}. Received: {path}")
    if path.is_dir():
        raise ValueError(f"`path` must not be a directory. Received: {path}")
    return path


def inside(folder, name):
    """The path of a file in a folder, by a name that comes from outside, such as "a.txt" or "b/a.txt".

    Raises:
        ValueError: for a name that would lead out of the folder, or is not as a system would write it.

    Example:
        >>> inside("exports", "cvae.tflite").as_posix()
        'exports/cvae.tflite'
    """
    parts = pathlib.PurePosixPath(name).parts if isinstance(name, str) else ()
    if not parts or "/".join(parts) != name or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"A name must be that of a file inside its folder. Received: {name!r}")
    return pathlib.Path(folder, *parts)
