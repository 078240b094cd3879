"""A lock on a folder that a process writes into for long, such as an unfinished run."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

LOCK = ".lock"
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_FAR = 1 << 30  # a byte behind the content, because Windows keeps others from reading what is locked


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Context of the only process that writes into a folder.

    The lock is on the file `.lock` in the folder, which is removed at the end. The system gives it up when the process
    dies, however that happens: a `.lock` that is left over locks nothing. Where a disk has no locks, or cannot be
    written, there is none.

    Args:
        folder: the folder, which must exist.

    Raises:
        BlockingIOError: if another process is in this context.
        FileNotFoundError: if there is no such folder.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with locked(folder), locked(folder):
        ...     pass
        Traceback (most recent call last):
        ...
        BlockingIOError: ... is in use by process ...: wait until it has ended.
    """
    path = pathlib.Path(folder) / LOCK
    descriptor = _acquired(path)
    try:
        yield
    finally:
        if descriptor is not None:
            if fcntl is not None:
                path.unlink(missing_ok=True)
            os.close(descriptor)
            if fcntl is None:  # Windows removes no open file
                with contextlib.suppress(OSError):
                    path.unlink()


def _acquired(path):
    """Returns a descriptor that locks a file until it is closed, or `None` without locks."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            raise
        except OSError:
            return None
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:
                os.lseek(descriptor, _FAR, os.SEEK_SET)
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace") if fcntl is not None else ""
            os.close(descriptor)
            if error.errno not in _BUSY:
                return None
            process = f"process {holder}" if holder.isdecimal() else "another process"
            raise BlockingIOError(f"{path.parent} is in use by {process}: wait until it has ended.") from None
        if _is_at(descriptor, path):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode())
            return descriptor
        os.close(descriptor)  # the last holder removed this file after it was opened here


def _is_at(descriptor, path):
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False
