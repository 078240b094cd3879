"""One writer for all files and folders: what is written is there completely, or not at all.

Everything is written into a hidden folder beside its place, `.<name>.<random>.writing`, synced, and then renamed.

    to write             function                       after a kill at any moment there is
    a file               `replacing`                    the old file or the new one
    a set of files       `staging`, `publish_files`     after `recover`, the old files or the new ones
    a folder             `staging`, `publish_folder`    after `recover`, the old folder or the new one
    a numbered folder    `staging`, `publish_version`   the new folder under the next number, or nothing

- A full disk, or any other error, leaves what was there, and raises an `OSError` that names the file or folder.
- Several names cannot change in one step. A set of files is complete once its folder is called `.<name>.complete`:
  `recover` moves its files to their names. An old folder is called `.<name>.replaced` until the new one has its name:
  `recover` gives it its name back, or removes it. Every `publish_...` begins with `recover`, and so must a reader who
  can meet what a kill left. Between two renames a folder is missing for some microseconds, with no kill at all: who
  serves a folder while it is replaced needs numbered folders.
- The next writer of the same name removes the hidden folders of writers that were killed. It knows them by their locks,
  which the system opens when a process ends. Where there are no locks (`fcntl` is missing on Windows, some network file
  systems refuse), these folders stay, and two processes must not publish to one name at the same time; all else holds.
"""

import contextlib
import errno
import glob
import os
import pathlib
import shutil
import tempfile

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_WRITING, _COMPLETE, _REPLACED = ".writing", ".complete", ".replaced"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextlib.contextmanager
def replacing(path):
    """Gives a temporary path beside `path`, of the same name, and moves what was written there into place.

    Args:
        path: the file to write; folders above it are made. A file that is there stays until the new one is complete.

    Raises:
        OSError: where the file cannot be written, in a sentence.

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
def staging(target, *, promise=", and nothing was changed"):
    """A hidden folder beside `target`, on the same disk, that is gone afterwards whatever happens.

    Args:
        target: `pathlib.Path` of the file or folder to be. Missing parents are made, and removed if the body fails.
        promise: what an error says after "could not be written".

    Yields:
        `pathlib.Path` of the folder.

    Raises:
        OSError: where the disk is full, or the folder cannot be made or written, in a sentence.
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
            with contextlib.suppress(OSError):  # not empty: another process uses it by now
                parent.rmdir()
        raise


def publish_files(folder, path):
    """Moves the files in a folder to their names beside `path`, in place of the old ones: all of them or none.

    Args:
        folder: `pathlib.Path` of a folder on the same disk, with complete files; `path.name` is among them.
        path: `pathlib.Path` of the file to be.
    """
    _sync(folder)
    with _locked(path.parent):
        _recover(path)
        os.rename(folder, _hidden(path, _COMPLETE))  # from here on the new files are the ones that count
        _recover(path)


def publish_folder(folder, path):
    """Moves a complete folder to `path`, in place of one that is there.

    Args:
        folder: `pathlib.Path` of the folder, on the same disk.
        path: `pathlib.Path` of the folder to be.
    """
    _sync(folder)
    with _locked(path.parent):
        _recover(path)
        if path.exists():
            os.rename(path, _hidden(path, _REPLACED))
        try:
            os.rename(folder, path)
        finally:
            _recover(path)


def publish_version(folder, parent, prepare):
    """Moves a complete folder into `parent`, under the number after the largest one there.

    A rename never takes the place of a folder with files: of two that are moved at once, one gets the next number.

    Args:
        folder: `pathlib.Path` of the folder.
        parent: `pathlib.Path` of the folder of all versions, on the same disk.
        prepare: function of the `pathlib.Path` to be, called before the folder is moved there.

    Returns:
        What `prepare` gave for the place of the folder.
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


def recover(path):
    """Finishes or undoes what a killed `publish_files` or `publish_folder` of `path` left."""
    with contextlib.suppress(OSError):  # a folder that can only be read
        if any(_hidden(path, suffix).is_dir() for suffix in (_COMPLETE, _REPLACED)):
            with _locked(path.parent):
                _recover(path)


def recover_all(folder):
    """Calls `recover` for everything in a folder, and in the folders below it."""
    for suffix in (_COMPLETE, _REPLACED):
        for left in list(folder.rglob(f".*{suffix}")):
            recover(left.with_name(left.name[1:].removesuffix(suffix)))


def remove_unfinished(folder):
    """Removes what killed writers left in a folder, and in the folders below it. No other process may write there."""
    for left in list(pathlib.Path(folder).rglob(f".*{_WRITING}")):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def naming(path, promise=""):
    """Errors of the system within it name the file or folder that is to be written, and not a temporary one.

    TensorFlow, and a process that runs an export, report a full disk in other words, which end with the system's.

    Args:
        path: the file or folder.
        promise: what the error says after "could not be written".

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
    except Exception as error:
        number = _number(error)
        if number is None:
            raise
        reason = os.strerror(number)
        for parent in pathlib.Path(path).parents:
            if os.path.isfile(parent):
                number, reason = errno.ENOTDIR, f"{parent} is a file, not a folder"
            elif os.path.islink(parent) and not os.path.exists(parent):
                number, reason = errno.ENOTDIR, f"{parent} is a link that leads nowhere"
        named = type(OSError(number, ""))(f"{path} could not be written{promise}: {reason}")
        named.errno = number
        raise named from error


def _number(error):
    """The number of the system's error; `None` for any other error."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return next((number for number in _FULL if os.strerror(number) in str(error)), None)


@contextlib.contextmanager
def _hidden_folder(target):
    prefix = f".{target.name[:40]}."
    with _locked(target.parent):  # so that nobody removes the folder before its lock is held
        for left in target.parent.glob(f"{glob.escape(prefix)}*{_WRITING}"):
            lock = _lock(left, wait=False)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix, suffix=_WRITING, dir=target.parent))
        lock = _lock(folder)
    try:
        inner = folder / "new"  # not locked: who is called here may write with this module too
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
    """Writes the contents of every file in a folder to the disk: a name must not get there before them."""
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
    """A file descriptor that holds the lock of a folder until it is closed; `None` where it is taken, or has none."""
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
