"""The place of an export: nothing is there before the export is complete and verified.

What is being exported lies in a hidden folder beside its place, `.<name>.<random>.exporting`, which its process holds
locked. What a killed process has left is locked by nobody: the next export into the same folder removes it.
"""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile

from keras_ae.io.files import sync

try:
    import fcntl
except ImportError:  # a system without locks: folders that were left there stay
    fcntl = None

_EXPORTING, _COMPLETE = ".exporting", ".complete"
_REFUSALS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM,
    errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG,
)  # fmt: skip
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextlib.contextmanager
def staging(target):
    """A hidden folder beside `target`, on the same disk, that is gone afterwards whatever happens.

    Args:
        target: `pathlib.Path` of the export to be. Missing parents are made, and unmade if the body fails.

    Yields:
        `pathlib.Path` of the folder.

    Raises:
        OSError: where the disk is full, or the folder cannot be made or written, in a sentence. Nothing is changed.
    """
    made, done = [], False
    try:
        with _refusals_as_sentences(target):
            _check_parents(target)
            made = [parent for parent in target.parents if not parent.exists()]  # the innermost first
            target.parent.mkdir(parents=True, exist_ok=True)
            with _own_folder(target) as folder:
                yield folder
        done = True
    finally:
        if not done:
            for parent in made:
                with contextlib.suppress(OSError):  # not empty: someone else uses it by now
                    parent.rmdir()


def publish(stage, target):
    """Gives the files in `stage` their names beside `target`, in place of those that are there: all of them or none.

    Two files cannot be renamed at once. So the folder `stage` is renamed first, to `.<name>.complete`: this is the
    moment at which the new version is there. Then its files are moved to their names, and `settle` does the rest of it
    where a process is killed in between. A version is whole in this sense: **after `settle`, the file at `target` and
    all that belongs to it are those of one version**, the old one if the process was killed before that moment, the new
    one if it was killed after it. The next `publish` begins with `settle`, and so does `verify`. Until then the file is
    the old one or the new one to the last byte all the same, and the hashes on the card tell which of them it is of.

    Args:
        stage: `pathlib.Path` of a folder on the same disk that holds complete files, `target.name` among them.
        target: `pathlib.Path` of the file to be.
    """
    sync(stage)
    with _locked(target.parent):
        _settle(target)
        os.rename(stage, _complete(target))
        _settle(target)


def settle(target):
    """Moves to their names what a `publish` of `target` that was killed has left."""
    if _complete(target).is_dir():
        with _locked(target.parent):
            _settle(target)


def settle_all(path):
    """Does so for the export at a path, or for every one in a folder and in the folders below it."""
    settle(path)
    if path.is_dir():
        for left in path.rglob(f".*{_COMPLETE}"):
            settle(left.with_name(left.name[1:].removesuffix(_COMPLETE)))


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


def check_free(target, *, overwrite):
    """Raises a `FileExistsError` where something is at `target` that must not be replaced."""
    if target.is_symlink() and not target.exists():
        raise FileExistsError(f"`directory` must not be a link that leads nowhere. Received: {target}")
    if not target.exists():
        return
    if not overwrite:
        raise FileExistsError(
            "`directory` must not exist yet: a server may be reading it. Choose the next version, or give "
            f"overwrite=True. Received: {target}"
        )
    if not (target / "saved_model.pb").is_file():
        raise FileExistsError(f"`directory` must hold a SavedModel to be replaced. Received: {target}")


def check_holds_versions(directory):
    """Raises a `ValueError` where a directory is not one of versions, but looks like a version itself."""
    if directory.name.isdecimal() or (directory / "saved_model.pb").exists():
        raise ValueError(
            '`directory` must be the folder of all versions, such as "exports/models/cvae", for version="next". '
            f"Received: {directory}"
        )


def move_to_next_version(folder, parent, prepare):
    """Moves a complete folder into `parent`, under the number after the largest one there.

    A rename never takes the place of a folder with files: of two that are moved at once, one gets the next number.

    Args:
        folder: `pathlib.Path` of the folder.
        parent: `pathlib.Path` of the folder of all versions, on the same disk.
        prepare: function of the `pathlib.Path` to be, called before the folder is moved there.

    Returns:
        What `prepare` gave for the place that the folder has got.
    """
    while True:
        numbers = [int(entry.name) for entry in parent.iterdir() if entry.name.isdecimal()]
        target = parent / str(max(numbers, default=0) + 1)
        prepared = prepare(target)
        sync(folder)
        try:
            os.rename(folder, target)
            return prepared
        except OSError:
            if not target.exists():
                raise


def _check_parents(target):
    for parent in target.parents:
        if parent.is_symlink() and not parent.exists():
            raise NotADirectoryError(f"{target} cannot be written: {parent} is a link that leads nowhere.")
        if parent.exists() and not parent.is_dir():
            raise NotADirectoryError(f"{target} cannot be written: {parent} is a file, not a directory.")


@contextlib.contextmanager
def _own_folder(target):
    with _locked(target.parent):  # so that nobody takes the folder for a leftover before its lock is held
        _remove_leftovers(target.parent)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=_EXPORTING, dir=target.parent))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _remove_leftovers(folder):
    for left in folder.glob(f".*{_EXPORTING}"):
        lock = _lock(left, wait=False)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


@contextlib.contextmanager
def _refusals_as_sentences(target):
    try:
        yield
    except Exception as error:
        number = _refusal(error)
        if number is None:
            raise
        reason = os.strerror(number)
        raise OSError(number, f"{target} could not be written, and nothing was changed: {reason}") from error


def _refusal(error):
    """The number of the system's error, `None` for another error.

    TensorFlow, and a process that runs the export, report a full disk in words of their own that end with the system's.
    """
    if isinstance(error, OSError):
        return error.errno if error.errno in _REFUSALS else None
    return next((number for number in _NO_ROOM if os.strerror(number) in str(error)), None)


def _complete(target):
    return target.with_name(f".{target.name}{_COMPLETE}")


def _settle(target):
    folder = _complete(target)
    if folder.is_dir():
        for path in folder.iterdir():
            os.replace(path, target.with_name(path.name))
        folder.rmdir()


@contextlib.contextmanager
def _locked(folder):
    """Holds the lock of a folder. The system opens it when a process ends, however it ends."""
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
