"""The place of an export: nothing is there before the export is complete and verified."""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile

_REFUSALS = (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def staging(target):
    """A hidden directory beside `target`, on the same disk, that is gone afterwards whatever happens.

    Args:
        target: `pathlib.Path` of the export to be. Missing parents are made, and unmade if the body fails.

    Yields:
        `pathlib.Path` of the directory.

    Raises:
        OSError: where the disk is full, or must not be written to.
    """
    _check_parents(target)
    made = [parent for parent in target.parents if not parent.exists()]  # the innermost first
    directory, done = None, False
    try:
        with _refusals_explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            directory = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
            yield directory
        done = True
    finally:
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)
        if not done:
            for parent in made:
                with contextlib.suppress(OSError):  # not empty: someone else uses it by now
                    parent.rmdir()


@contextlib.contextmanager
def _refusals_explained(target):
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        reason = os.strerror(error.errno)
        raise OSError(error.errno, f"{target} cannot be written: {reason}. Nothing was changed.") from error


def _check_parents(target):
    blocking = next((parent for parent in target.parents if parent.exists() and not parent.is_dir()), None)
    if blocking is not None:
        raise NotADirectoryError(f"{target} cannot be written: {blocking} is a file, not a directory.")


def check_free(target, *, overwrite):
    """Raises a `FileExistsError` where something is at `target` that must not be replaced."""
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


def move_to_next_version(folder, parent):
    """Moves a complete folder into `parent`, under the number after the largest one there.

    A rename never takes the place of a folder with files: of two that are moved at once, one gets the next number.

    Returns:
        Its `pathlib.Path`.
    """
    while True:
        numbers = [int(entry.name) for entry in parent.iterdir() if entry.name.isdecimal()]
        target = parent / str(max(numbers, default=0) + 1)
        try:
            os.rename(folder, target)
            return target
        except OSError:
            if not target.exists():
                raise
