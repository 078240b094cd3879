"""Shell completion of models, parts, data sets and run folders. Imports no TensorFlow."""

import os
import pathlib
from collections.abc import Callable, Iterable

from keras_ae.cli.source_names import model_names, part_names
from keras_ae.run.config import OPTIMIZERS


def models(incomplete: str) -> list[str]:
    """Completes short names of models."""
    return [name for name in model_names() if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """Completes names of data sets, files and folders."""
    from keras_ae.datasets.catalogue import names

    return [*(name for name in names() if name.startswith(incomplete)), *paths(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Completes names of recipes, and files."""
    from keras_ae.recipes.recipe import names

    return [*(name for name in names() if name.startswith(incomplete)), *paths(incomplete)]


def presets(incomplete: str) -> list[str]:
    """Completes names of presets, and folders."""
    from keras_ae.released.preset_catalogue import names

    return [*(name for name in names() if name.startswith(incomplete)), *paths(incomplete)]


def parts(argument: str) -> Callable[[str], list[str]]:
    """Returns a function that completes the short names of a part."""
    return lambda incomplete: [name for name in part_names(argument) if name.startswith(incomplete)]


def optimizers(incomplete: str) -> list[str]:
    """Completes names of optimizers."""
    return [name for name in OPTIMIZERS if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Completes folders of runs, and their parent folders."""
    return _folders(incomplete, lambda folder: (folder / "config.json").is_file())


def unfinished_runs(incomplete: str) -> list[str]:
    """Completes `--resume`: interrupted runs by their final name."""
    found = _folders(incomplete, lambda folder: folder.name.endswith(".partial"))
    return [path.removesuffix(".partial") for path in found]


def paths(incomplete: str) -> list[str]:
    """Completes files and folders."""
    return [str(path) + "/" * path.is_dir() for path in _entries(incomplete)]


def _folders(incomplete: str, wanted: Callable[[pathlib.Path], bool]) -> list[str]:
    folders = [path for path in _entries(incomplete) if path.is_dir()]
    return [str(path) if wanted(path) else f"{path}/" for path in folders]


def _entries(incomplete: str) -> Iterable[pathlib.Path]:
    """Yields the paths that start with a prefix; hidden ones only if their dot was typed."""
    head, tail = os.path.split(incomplete)
    try:
        found = sorted(pathlib.Path(head).expanduser().iterdir())
    except OSError:
        return []
    return [path for path in found if path.name.startswith(tail) and path.name.startswith(".") <= tail.startswith(".")]
