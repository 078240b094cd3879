"""Files and folders that are written completely or not at all."""

import contextlib
import ctypes
import json
import math
import os
import pathlib
import shutil
import tempfile

_WRITING = ".writing"
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


@contextlib.contextmanager
def replacing(path):
    """Gives a temporary path beside `path`, with its suffix, and moves what was written there into place.

    Args:
        path: the file to write; folders above it are made. A file that is there stays until the new one is complete.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with replacing(folder / "note.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [path.name for path in folder.iterdir()]
        ['note.txt']
    """
    path = pathlib.Path(path)
    prefix = f".{path.stem[:40]}."
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=prefix, suffix=_WRITING, dir=path.parent) as folder:
            temporary = pathlib.Path(folder) / path.name
            yield temporary
            if temporary.is_file():
                with open(temporary, "rb+") as file:
                    os.fsync(file.fileno())  # a name must not reach the disk before its contents
            os.replace(temporary, path)


@contextlib.contextmanager
def naming(path):
    """Errors of the system within it name the file or folder that is to be written, and not a temporary one.

    Args:
        path: the file or folder.

    Raises:
        OSError: of the class and with the number of the system's error.

    Example:
        >>> with naming("note.txt"):
        ...     open("/no/such/folder/.note.txt.writing", "w")
        Traceback (most recent call last):
        ...
        FileNotFoundError: note.txt could not be written: No such file or directory
    """
    try:
        yield
    except OSError as error:
        if not error.strerror:  # not of the system, or a sentence already
            raise
        above = next((parent for parent in pathlib.Path(path).parents if os.path.isfile(parent)), None)
        reason = error.strerror if above is None else f"{above} is a file, not a folder"
        named = type(error)(f"{path} could not be written: {reason}")
        named.errno = error.errno
        raise named from error


def remove_leftovers(folder):
    """Removes what `replacing` has left in a folder and in those below it, where a process was killed."""
    for left in pathlib.Path(folder).rglob(f".*{_WRITING}"):
        shutil.rmtree(left, ignore_errors=True)


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


def move_into_place(folder, path):
    """Moves a complete folder to `path`; one that is there changes places with it, and is removed.

    They do so in one step, where the system can: a process that is killed leaves either of them, whole.
    """
    folder, path = pathlib.Path(folder), pathlib.Path(path)
    sync(folder)
    if path.exists() and _exchange(folder, path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    old = path.with_name(f".{path.name}.old-{os.getpid()}")
    if path.exists():
        os.replace(path, old)
    try:
        os.replace(folder, path)
    except BaseException:
        if old.exists() and not path.exists():
            os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sync(folder):
    """Sees to it that the contents of every file in a folder are on the disk: a name must not get there before them."""
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            with open(path, "rb+") as file:
                os.fsync(file.fileno())


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


def _exchange(one, other):
    """Lets two files or folders change names in one step. Returns whether the system could."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


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
