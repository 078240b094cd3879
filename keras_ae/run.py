"""A run: the folder that `keras-ae train` leaves and every later command takes."""

import contextlib
import datetime
import os
import pathlib
import platform
import shutil
import sys
from importlib import metadata

from keras_ae.files import move_into_place, read_json, replacing, write_json

_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy", "ai-edge-litert")
_FORMAT = 1


class Run:
    """A folder with a model and all that is known of its training.

        config.json     what was asked for: model, data, training, seed, versions, command
        model.keras     the model, with the state of its optimizer
        history.json    {"loss": [one number an epoch], ...}, in nats
        metrics.json    results of the finished model
        figures/        pictures, PNG

    Args:
        path: the folder. Use `Run.create` for a new one and `Run.open` for one that is there.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "vae"
        >>> with Run.create(path, {"model": "vae"}) as run:
        ...     run.write_history({"loss": [30.0, 25.0]})
        >>> Run.open(path).history
        {'loss': [30.0, 25.0]}
    """

    FILES = ("config.json", "model.keras", "history.json", "metrics.json", "figures")

    def __init__(self, path):
        self.path = pathlib.Path(path)

    @classmethod
    @contextlib.contextmanager
    def create(cls, path, config, *, overwrite=False):
        """A new run, for a `with` block that fills it; it gets its name when the block ends well.

        Until then it is called `<path>.partial`. Where the block fails, the folder keeps that name if a model had been
        saved in it, and is removed otherwise. An older run of the same name stays until the new one is complete.

        Args:
            path: the folder to write.
            config: dictionary; time, versions and platform are added.
            overwrite: whether an older run, whole or partial, may be replaced.

        Raises:
            FileExistsError: where a folder is in the way.
        """
        with new_folder(path, kind="run", keep="model.keras", overwrite=overwrite) as partial:
            run = cls(partial)
            run.write_config(config)
            yield run

    @classmethod
    def open(cls, path):
        """The run in a folder.

        Raises:
            FileNotFoundError: where there is no such folder, or it is no run.
            ValueError: where its config is damaged, or was written by a later version.
        """
        run = cls(path)
        if not run.path.is_dir():
            raise FileNotFoundError(f"There is no run {run.path}: write one with `keras-ae train`.")
        if not (run.path / "config.json").is_file():
            raise FileNotFoundError(f"{run.path} is not a run: it has no config.json.")
        if run.config.get("format") != _FORMAT:
            raise ValueError(
                f"{run.path / 'config.json'} must have format {_FORMAT}. Received: {run.config.get('format')!r}"
            )
        return run

    @property
    def name(self):
        return self.path.resolve().name

    @property
    def config(self):
        return read_json(self.path / "config.json")

    @property
    def history(self):
        return read_json(self.path / "history.json")

    def model(self):
        """Loads the model of the run."""
        from keras_ae.autoencoder import load  # here, because it takes seconds: it loads TensorFlow

        path = self.path / "model.keras"
        if not path.is_file():
            raise FileNotFoundError(f"{self.path} has no model: its training did not get as far as saving one.")
        return load(path)

    def write_config(self, config):
        write_json(self.path / "config.json", {"format": _FORMAT, **config, **surroundings()})

    def write_model(self, model):
        with replacing(self.path / "model.keras") as temporary:
            model.save(temporary)

    def write_history(self, history):
        write_json(self.path / "history.json", history)

    def write_metrics(self, metrics):
        write_json(self.path / "metrics.json", metrics)

    def write_figures(self, figures):
        """Saves figures as PNG, from a dictionary by name."""
        from keras_ae.explore import save

        for name, figure in figures.items():
            save(figure, self.path / "figures" / f"{name}.png")


# What the two kinds of folders hold, the file that tells them from others first.
_CONTENTS = {"run": Run.FILES, "quickstart": ("summary.json", "ae", "vae", "cvae", "exports")}


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
def new_folder(path, *, kind, keep=None, overwrite=True):
    """A folder for a `with` block to fill, called `<path>.partial` until the block ends well.

    Args:
        path: the folder to write.
        kind, overwrite: as in `check_new_folder`.
        keep: a file; where the block fails and this file was written, the partial folder stays.

    Raises:
        FileExistsError: where a folder is in the way.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.partial")
    check_new_folder(path, kind=kind, overwrite=overwrite)
    if partial.exists():
        if not overwrite:
            raise FileExistsError(f"{partial} is what an unfinished run has left: remove it, or give --overwrite.")
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
        move_into_place(partial, path)
    except BaseException:
        if keep is None or not (partial / keep).exists():
            shutil.rmtree(partial, ignore_errors=True)
        raise


def surroundings():
    """When, with what and on what kind of machine: a dictionary for `config.json` and `summary.json`."""
    from keras_ae import __version__

    return {
        "written": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": ["keras-ae", *sys.argv[1:]] if pathlib.Path(sys.argv[0]).name == "keras-ae" else None,
        "versions": {
            "keras_ae": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {"system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count()},
    }


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
