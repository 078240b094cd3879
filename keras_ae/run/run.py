import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keras_ae.environment import environment
from keras_ae.io.json_files import read_json, write_json
from keras_ae.io.writing import recover
from keras_ae.released.card import damage, read_card
from keras_ae.released.preset_catalogue import DETECTOR as CONTENTS
from keras_ae.released.preset_catalogue import find
from keras_ae.run.config import check_recipe, details
from keras_ae.run.folder import new_folder, unfinished_folder

if TYPE_CHECKING:  # slow: these import TensorFlow and matplotlib
    from matplotlib.figure import Figure

    from keras_ae.autoencoder import Autoencoder
    from keras_ae.outliers import OutlierDetector

PRESET = "preset:"
DETECTOR = "detector.zip"
_FORMAT = 1


class Run:
    """A folder with a model and the record of its training.

        config.json     settings: model, data, training, seed, versions, command
        model.keras     the model, with the state of its optimizer
        detector.zip    the fitted outlier detector, only in the run of a detector, whose model is above
        history.json    {"loss": [one number per epoch], ...}, in nats
        metrics.json    results of the finished model
        figures/        figures, PNG
        snapshots/      reconstructions through training, of `keras-ae train --snapshots`
        backup/         in an unfinished run: backups to resume from

    Args:
        path: the folder. Use `Run.create` for a new run and `Run.open` for an existing one.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "vae"
        >>> with Run.create(path, {"model": "vae"}) as run:
        ...     run.write_history({"loss": [30.0, 25.0]})
        >>> Run.open(path).history
        {'loss': [30.0, 25.0]}
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)

    @classmethod
    @contextlib.contextmanager
    def create(cls, path: str | os.PathLike, config: dict[str, Any], *, overwrite: bool = False) -> Iterator["Run"]:
        """Context with a new run to fill, which gets its final name when the block succeeds.

        Until then it is called `<path>.partial`. If the block fails, the folder keeps that name if it holds a saved
        model, and is removed otherwise. An older run of the same name stays until the new one is complete.

        Args:
            path: the folder to write.
            config: dictionary; time, versions and platform are added.
            overwrite: whether an older run, complete or partial, may be replaced.

        Raises:
            FileExistsError: if the folder exists.
            BlockingIOError: if another process trains the run.
        """
        with new_folder(path, kind="run", keep=("model.keras", "backup"), overwrite=overwrite) as partial:
            run = cls(partial)
            run.write_config(config)
            yield run
            shutil.rmtree(run.backup, ignore_errors=True)

    @classmethod
    @contextlib.contextmanager
    def resume(cls, path: str | os.PathLike) -> Iterator["Run"]:
        """Context with the interrupted run of `path`, to complete it.

        Raises:
            FileNotFoundError: if there is no interrupted run.
            BlockingIOError: if another process trains the run.
        """
        with unfinished_folder(path, kind="run") as partial:
            run = cls.open(partial)
            yield run
            shutil.rmtree(run.backup, ignore_errors=True)

    @classmethod
    def open(cls, path: str | os.PathLike) -> "Run":
        """Opens the run in a folder, or the run that a preset came from.

        Args:
            path: the folder, or "preset:" and what `kae.from_preset` takes, such as "preset:cvae_mnist".

        Raises:
            FileNotFoundError: if the folder does not exist or is not a run.
            ValueError: if the config is damaged, or was written by a later version.
        """
        if os.fspath(path).startswith(PRESET):
            return PresetRun(os.fspath(path).removeprefix(PRESET))
        run = cls(path)
        recover(run.path)
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
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def outputs(self) -> pathlib.Path:
        """The folder for the results of commands."""
        return self.path

    @property
    def config(self) -> dict[str, Any]:
        return read_json(self.path / "config.json")

    @property
    def recipe(self) -> dict[str, Any]:
        """Returns the config, validated for training.

        Raises:
            ValueError: if it is invalid.
        """
        return check_recipe(self.config, self.path / "config.json")

    @property
    def details(self) -> dict[str, dict[str, Any]]:
        """Returns the description of the run for the card of an export: see `keras_ae.export`."""
        metrics = self.path / "metrics.json"
        return details(self.recipe, read_json(metrics) if metrics.is_file() else {})

    @property
    def history(self) -> dict[str, list[float]]:
        return read_json(self.path / "history.json")

    @property
    def snapshots(self) -> pathlib.Path:
        """The folder of `keras_ae.callbacks.Snapshots`, which is there if the run was trained with `--snapshots`."""
        return self.path / "snapshots"

    @property
    def backup(self) -> pathlib.Path:
        """The folder for `keras_ae.callbacks.BackupAndRestore`."""
        return self.path / "backup"

    def model(self) -> "Autoencoder":
        """Loads the model of the run.

        Raises:
            ValueError: for the model of a detector that scales its data.
        """
        if self.has_detector:
            return _model_of(self.detector(), self.name)
        from keras_ae.loading import load  # slow: imports TensorFlow

        self.check_has_model()
        return load(self.path / "model.keras")

    def detector(self) -> "OutlierDetector | None":
        """Loads the fitted detector of the run; `None` for the run of a model alone."""
        if not self.has_detector:
            return None
        from keras_ae.outliers import load  # slow: imports TensorFlow

        return load(self.path / DETECTOR)

    @property
    def has_detector(self) -> bool:
        return (self.path / DETECTOR).is_file()

    def check_has_model(self) -> None:
        """Raises a `FileNotFoundError` if the run has no model."""
        if not (self.path / "model.keras").is_file():
            raise FileNotFoundError(f"{self.path} has no model: its training ended before a model was saved.")

    def write_config(self, config: dict[str, Any]) -> None:
        first = {"command": config["command"]} if config.get("command") else {}  # not the command that resumed it
        write_json(self.path / "config.json", {"format": _FORMAT, **config, **environment(), **first})

    def write_model(self, model: "Autoencoder") -> None:
        model.save(self.path / "model.keras")

    def write_detector(self, detector: "OutlierDetector") -> None:
        self.write_model(detector.model_)
        detector.save(self.path / DETECTOR)

    def write_history(self, history: dict[str, list[float]]) -> None:
        write_json(self.path / "history.json", history)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        write_json(self.path / "metrics.json", metrics)

    def write_figures(self, figures: "dict[str, Figure]") -> None:
        """Saves figures as PNG files with their names."""
        from keras_ae.explore import save

        for name, figure in figures.items():
            save(figure, self.path / "figures" / f"{name}.png")


class PresetRun(Run):
    """A released model as the run that it came from, for the commands that take a run.

    Args:
        preset: a name, a folder or an address, as in `kae.from_preset`.
    """

    def __init__(self, preset: str):
        super().__init__(find(preset))
        self.card = read_card(self.path)

    @property
    def name(self) -> str:
        return self.card["path"]

    @property
    def outputs(self) -> pathlib.Path:
        return pathlib.Path(self.name)  # in the working folder: the preset stays as it is

    @property
    def config(self) -> dict[str, Any]:
        return self.card["recipe"]

    @property
    def recipe(self) -> dict[str, Any]:
        if not self.config:
            raise ValueError(f"The preset {self.name} was saved without a run: its data are unknown.")
        return super().recipe

    @property
    def details(self) -> dict[str, dict[str, Any]]:
        return {name: self.card[name] for name in ("data", "training", "metrics") if self.card.get(name)}

    @property
    def history(self) -> dict[str, list[float]]:
        path = self.path / "history.json"
        if "history.json" in self.card["files"] and "history.json" not in damage(self.path, self.card):
            return read_json(path)
        raise FileNotFoundError(f"The preset {self.name} has no history of its training.")

    def check_has_model(self) -> None:
        pass  # `model` compares its files with the card

    def model(self) -> "Autoencoder":
        loaded = self._loaded()
        return _model_of(loaded, self.name) if self.has_detector else loaded

    def detector(self) -> "OutlierDetector | None":
        return self._loaded() if self.has_detector else None

    @property
    def has_detector(self) -> bool:
        return CONTENTS in self.card["files"]

    def _loaded(self):
        from keras_ae.released.preset_loading import from_preset  # slow: imports TensorFlow

        return from_preset(self.path)


def _model_of(detector, name):
    if not detector.scaling_.is_identity:
        raise ValueError(
            f"{name} is a detector of scaled data, and its model does not know the scale: use `keras-ae outliers`."
        )
    return detector.model_
