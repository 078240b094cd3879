"""Folders of runs and of the quickstart: they get their name when they are complete, and replace only their kind."""

import contextlib
import pathlib
import shutil

from keras_ae.io.writing import naming, publish_folder, recover, remove_unfinished

# What the two kinds of folders hold, the file that tells them from others first.
_CONTENTS = {
    "run": ("config.json", "model.keras", "history.json", "metrics.json", "figures", "backup"),
    "quickstart": ("summary.json", "ae", "vae", "cvae", "exports"),
}


def check_new_folder(path, *, kind, overwrite=True):
    """Makes sure that a folder can be written at `path` without the loss of anything else.

    Args:
        path: where it is to be.
        kind: `"run"` or `"quickstart"`; only a folder of the same kind is ever replaced.
        overwrite: whether one of the same kind may be replaced.

    Raises:
        FileExistsError: where something is in the way.
    """
    path = pathlib.Path(path)
    recover(path)
    if path.resolve() == pathlib.Path.cwd():
        raise FileExistsError("A folder cannot take the place of the current one: choose a new name.")
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FileExistsError(f"{path} is in the way: it must be a folder, or not be there yet.")
    present = {entry.name for entry in path.iterdir()} if path.exists() else set()
    foreign = sorted(present - set(_CONTENTS[kind]))
    if present and _CONTENTS[kind][0] not in present:
        raise FileExistsError(f"{path} is not empty, and not a {kind}: choose another folder.")
    if foreign:
        raise FileExistsError(f"{path} holds {foreign[0]}, which is not part of a {kind}: choose another folder.")
    if present and not overwrite:
        raise FileExistsError(f"{path} is there already: choose another folder, or give --overwrite.")


@contextlib.contextmanager
def new_folder(path, *, kind, keep=(), overwrite=True):
    """A folder for a `with` block to fill, called `<path>.partial` until the block ends well.

    Args:
        path: the folder to write.
        kind, overwrite: as in `check_new_folder`.
        keep: names; where the block fails and one of these was written, the partial folder stays.

    Raises:
        FileExistsError: where a folder is in the way.
    """
    path = pathlib.Path(path)
    with naming(path):
        check_new_folder(path, kind=kind, overwrite=overwrite)
        partial = path.with_name(f"{path.name}.partial")
        if partial.exists():
            if not overwrite:
                raise FileExistsError(
                    f"{partial} is what an unfinished run has left: go on with it (--resume {path}), remove it, or "
                    "give --overwrite."
                )
            remove_unfinished(partial)
            check_new_folder(partial, kind=kind)
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
    try:
        yield partial
        check_new_folder(path, kind=kind, overwrite=overwrite)  # once more: it took a while
        with naming(path):
            publish_folder(partial, path)
    except BaseException:
        if not any((partial / name).exists() for name in keep):
            shutil.rmtree(partial, ignore_errors=True)
        raise


@contextlib.contextmanager
def unfinished_folder(path, *, kind):
    """The folder `<path>.partial` that a `new_folder` has left, for a `with` block to complete.

    Args:
        path: the folder that it will be.
        kind: as in `check_new_folder`.

    Raises:
        FileNotFoundError: where nothing was left.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.partial")
    if not partial.is_dir():
        raise FileNotFoundError(f"There is no unfinished {kind} {partial}.")
    remove_unfinished(partial)
    yield partial
    check_new_folder(path, kind=kind)
    with naming(path):
        publish_folder(partial, path)
