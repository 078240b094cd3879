"""The place of an export: nothing is there before the export is complete and verified."""

import contextlib
import pathlib
import shutil
import tempfile


@contextlib.contextmanager
def staging(target):
    """A hidden directory beside `target`, on the same disk, that is gone afterwards whatever happens.

    Args:
        target: `pathlib.Path` of the export to be. Missing parents are made, and unmade if the body fails.

    Yields:
        `pathlib.Path` of the directory.
    """
    _check_parents(target)
    made = [parent for parent in target.parents if not parent.exists()]  # the innermost first
    target.parent.mkdir(parents=True, exist_ok=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    done = False
    try:
        yield directory
        done = True
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if not done:
            with contextlib.suppress(OSError):  # not empty: someone else uses it by now
                for parent in made:
                    parent.rmdir()


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
