"""Folders of runs and quickstarts, which get their name when complete, and replace only folders of their kind."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

from keras_ae.io.locking import LOCK, locked
from keras_ae.io.writing import naming, publish_folder, recover, remove_unfinished

# The contents of the two kinds of folders; the first file identifies the kind.
_CONTENTS = {
    "run": (
        "config.json",
        "model.keras",
        "detector.zip",
        "history.json",
        "metrics.json",
        "figures",
        "backup",
        "evaluation",
        "outliers",
    ),
    "quickstart": ("summary.json", "ae", "vae", "cvae", "exports"),
}


def check_new_folder(path: str | os.PathLike, *, kind: str, overwrite: bool = True) -> None:
    """Checks that a folder can be written at `path` without overwriting anything else.

    Args:
        path: path of the new folder.
        kind: `"run"` or `"quickstart"`; only a folder of the same kind is ever replaced.
        overwrite: whether a folder of the same kind may be replaced.

    Raises:
        FileExistsError: if something else exists at `path`.
    """
    path = pathlib.Path(path)
    recover(path)
    if path.resolve() == pathlib.Path.cwd():
        raise FileExistsError("The current folder cannot be replaced: choose a new name.")
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FileExistsError(f"{path} exists and is not a folder: choose another name.")
    present = {entry.name for entry in path.iterdir()} - {LOCK} if path.exists() else set()
    foreign = sorted(present - set(_CONTENTS[kind]))
    if present and _CONTENTS[kind][0] not in present:
        raise FileExistsError(f"{path} is not empty, and not a {kind}: choose another folder.")
    if foreign:
        raise FileExistsError(f"{path} holds {foreign[0]}, which is not part of a {kind}: choose another folder.")
    if present and not overwrite:
        raise FileExistsError(f"{path} exists already: choose another folder, or pass --overwrite.")


@contextlib.contextmanager
def new_folder(
    path: str | os.PathLike, *, kind: str, keep: tuple[str, ...] = (), overwrite: bool = True
) -> Iterator[pathlib.Path]:
    """Context with a folder to fill, called `<path>.partial` until the block succeeds.

    Args:
        path: the folder to write.
        kind, overwrite: as in `check_new_folder`.
        keep: names; if the block fails after writing one of these, the partial folder stays.

    Raises:
        FileExistsError: if the folder exists.
        BlockingIOError: if another process fills it.
    """
    path = pathlib.Path(path)
    with naming(path):
        check_new_folder(path, kind=kind, overwrite=overwrite)
        partial = path.with_name(f"{path.name}.partial")
        if partial.is_symlink() or partial.is_file():
            check_new_folder(partial, kind=kind)
        partial.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as lock:
        lock.enter_context(locked(partial))
        with naming(path):
            _empty(partial, path, kind=kind, overwrite=overwrite)
        try:
            yield partial
            check_new_folder(path, kind=kind, overwrite=overwrite)  # again, because time has passed
            lock.close()
            with naming(path):
                publish_folder(partial, path)
        except BaseException:
            lock.close()
            if not any((partial / name).exists() for name in keep):
                shutil.rmtree(partial, ignore_errors=True)
            raise


def _empty(partial, path, *, kind, overwrite):
    """Empties the folder of an unfinished run, which is locked."""
    if {entry.name for entry in partial.iterdir()} == {LOCK}:
        return
    if not overwrite:
        raise FileExistsError(
            f"{partial} is an unfinished run: continue it (--resume {path}), remove it, or pass --overwrite."
        )
    remove_unfinished(partial)
    check_new_folder(partial, kind=kind)
    for entry in partial.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != LOCK:
            entry.unlink()


@contextlib.contextmanager
def unfinished_folder(path: str | os.PathLike, *, kind: str) -> Iterator[pathlib.Path]:
    """Context with the folder `<path>.partial` of an interrupted `new_folder`, to complete it.

    Args:
        path: path of the completed folder.
        kind: as in `check_new_folder`.

    Raises:
        FileNotFoundError: if there is no partial folder.
        BlockingIOError: if another process completes it.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.partial")
    if not partial.is_dir():
        raise FileNotFoundError(f"There is no unfinished {kind} {partial}.")
    with locked(partial):
        remove_unfinished(partial)
        yield partial
        check_new_folder(path, kind=kind)
    with naming(path):
        publish_folder(partial, path)
