"""Atomic writes: a file or folder is written completely or not at all.

Everything is written to a hidden folder beside its path, `.<name>.<random>.writing`, flushed to the disk, and renamed.

    to write             use                            if the process is killed at any time
    a file               `replacing`                    the old or the new file exists
    a set of files       `staging`, `publish_files`     the old or the new files exist, after `recover`
    a folder             `staging`, `publish_folder`    the old or the new folder exists, after `recover`
    a numbered folder    `staging`, `publish_version`   the new folder exists under the next number, or not

- After an error, such as a full disk, the old file or folder is unchanged, and an `OSError` names it.
- Several names cannot change at once. A set of files counts as written when its folder is called `.<name>.complete`,
  and `recover` moves the files to their names. An old folder is called `.<name>.replaced` until the new one has its
  name, and `recover` restores or removes it. All `publish_...` functions call `recover` first, and so must readers. A
  folder is missing for some microseconds between two renames: to replace a folder that a server reads, use numbered
  folders.
- The next writer of the same name removes hidden folders of killed writers, recognized by their released locks.
  Without locks (on Windows, which lacks `fcntl`, and on some network file systems), these folders stay, and two
  processes must not publish to one name at the same time; everything else holds.
"""

import contextlib
import errno
import glob
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import TypeVar

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_WRITING, _COMPLETE, _REPLACED = ".writing", ".complete", ".replaced"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_T = TypeVar("_T")


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Context with a temporary path of the same name, whose file replaces `path` when the block succeeds.

    Args:
        path: the file to write. Missing parents are created. An older file stays until the new one is complete.

    Raises:
        OSError: if the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with replacing(folder / "note.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [path.name for path in folder.iterdir()]
        ['note.txt']
    """
    path = pathlib.Path(path)
    with staging(path, promise="") as folder:
        yield folder / path.name
        _sync(folder)
        os.replace(folder / path.name, path)


@contextlib.contextmanager
def staging(target: pathlib.Path, *, promise: str = ", and nothing was changed") -> Iterator[pathlib.Path]:
    """Context with a temporary hidden folder beside `target`, on the same disk.

    Args:
        target: path of the final file or folder. Missing parents are created, and removed if the block fails.
        promise: the end of error messages, after "could not be written".

    Yields:
        The path of the temporary folder.

    Raises:
        OSError: if the folder cannot be created or written, for example on a full disk.
    """
    missing = []
    try:
        with naming(target, promise):
            missing = [parent for parent in target.parents if not parent.exists()]  # the innermost first
            target.parent.mkdir(parents=True, exist_ok=True)
            with _hidden_folder(target) as folder:
                yield folder
    except BaseException:
        for parent in missing:
            with contextlib.suppress(OSError):  # not empty, because another process uses it
                parent.rmdir()
        raise


def publish_files(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Moves the files in a folder to their names beside `path`, replacing older ones: all of them or none.

    Args:
        folder: a folder on the same disk with complete files, one of them called `path.name`.
        path: the final path of this file.
    """
    _sync(folder)
    with _locked(path.parent):
        _recover(path)
        os.rename(folder, _hidden(path, _COMPLETE))  # from now on, the new files count
        _recover(path)


def publish_folder(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Moves a complete folder on the same disk to `path`, replacing an older one."""
    _sync(folder)
    with _locked(path.parent):
        _recover(path)
        if path.exists():
            os.rename(path, _hidden(path, _REPLACED))
        try:
            os.rename(folder, path)
        finally:
            _recover(path)


def publish_version(folder: pathlib.Path, parent: pathlib.Path, prepare: Callable[[pathlib.Path], _T]) -> _T:
    """Moves a complete folder to the next free number in `parent`.

    A rename never replaces a folder with files, so concurrent calls get different numbers.

    Args:
        folder: the folder.
        parent: the folder of all versions, on the same disk.
        prepare: function of the final path, called before the folder is moved there.

    Returns:
        The result of `prepare` for the final path.
    """
    while True:
        numbers = [int(entry.name) for entry in parent.iterdir() if entry.name.isdecimal()]
        target = parent / str(max(numbers, default=0) + 1)
        prepared = prepare(target)
        _sync(folder)
        try:
            os.rename(folder, target)
            return prepared
        except OSError:
            if not target.exists():
                raise


def recover(path: pathlib.Path) -> None:
    """Completes or undoes a killed `publish_files` or `publish_folder` of `path`."""
    with contextlib.suppress(OSError):  # a read-only folder
        if any(_hidden(path, suffix).is_dir() for suffix in (_COMPLETE, _REPLACED)):
            with _locked(path.parent):
                _recover(path)


def recover_all(folder: pathlib.Path) -> None:
    """Calls `recover` for everything in a folder and its subfolders."""
    for suffix in (_COMPLETE, _REPLACED):
        for left in list(folder.rglob(f".*{suffix}")):
            recover(left.with_name(left.name[1:].removesuffix(suffix)))


def remove_unfinished(folder: str | os.PathLike) -> None:
    """Removes temporary folders of killed writers in a folder and its subfolders. No other process may write there."""
    for left in list(pathlib.Path(folder).rglob(f".*{_WRITING}")):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def naming(path: str | os.PathLike, promise: str = "") -> Iterator[None]:
    """Context in which system errors name the final file or folder instead of a temporary one.

    This includes errors of TensorFlow, and of a process that runs an export, which contain the system's message.

    Args:
        path: the final file or folder.
        promise: the end of the error message, after "could not be written".

    Raises:
        OSError: with the class and the number of the system's error.

    Example:
        >>> with naming("note.txt"):
        ...     open("/no/such/folder/.note.txt.writing", "w")
        Traceback (most recent call last):
        ...
        FileNotFoundError: note.txt could not be written: No such file or directory
    """
    try:
        yield
    except Exception as error:
        number = _number(error)
        if number is None:
            raise
        reason = os.strerror(number)
        for parent in pathlib.Path(path).parents:
            if os.path.isfile(parent):
                number, reason = errno.ENOTDIR, f"{parent} is a file, not a folder"
            elif os.path.islink(parent) and not os.path.exists(parent):
                number, reason = errno.ENOTDIR, f"{parent} is a broken link"
        named = type(OSError(number, ""))(f"{path} could not be written{promise}: {reason}")
        named.errno = number
        raise named from error


def _number(error):
    """Returns the number of a system error, or `None`."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return next((number for number in _FULL if os.strerror(number) in str(error)), None)


@contextlib.contextmanager
def _hidden_folder(target):
    prefix = f".{target.name[:40]}."
    with _locked(target.parent):  # so that no writer removes the folder before it is locked
        for left in target.parent.glob(f"{glob.escape(prefix)}*{_WRITING}"):
            lock = _lock(left, wait=False)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix, suffix=_WRITING, dir=target.parent))
        lock = _lock(folder)
    try:
        inner = folder / "new"  # not locked, because the block may write with this module too
        inner.mkdir()
        yield inner
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _hidden(path, suffix):
    return path.parent / f".{path.name}{suffix}"


def _recover(path):
    complete, replaced = _hidden(path, _COMPLETE), _hidden(path, _REPLACED)
    if complete.is_dir():
        for file in complete.iterdir():
            os.replace(file, path.with_name(file.name))
        complete.rmdir()
    if replaced.is_symlink() and path.exists():
        replaced.unlink()
    elif replaced.is_dir() and path.exists():
        shutil.rmtree(replaced, ignore_errors=True)
    elif replaced.is_dir():
        os.rename(replaced, path)


def _sync(folder):
    """Flushes all files in a folder to the disk, before they are renamed."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb+") as file:
                os.fsync(file.fileno())


@contextlib.contextmanager
def _locked(folder):
    """Holds the lock of a folder."""
    lock = _lock(folder)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder, *, wait=True):
    """Returns a file descriptor that locks a folder until it is closed; `None` if it is locked, or without locks."""
    if fcntl is None:
        return None
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor
