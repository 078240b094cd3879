"""Shell completion of models, data sets, settings and run folders. Imports no TensorFlow."""

import contextlib
import io
import os
import pathlib
from collections.abc import Callable, Iterable

import typer

from keras_ae.cli.tables import model_arguments, model_names, part_arguments, part_names

_VARIABLE = "_KERAS_AE_COMPLETE"  # set by Typer's completion script


def models(incomplete: str) -> list[str]:
    """Completes short names of models."""
    return [name for name in model_names() if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """Completes names of data sets, files and folders."""
    from keras_ae.datasets.catalogue import names

    return [*(name for name in names() if name.startswith(incomplete)), *paths(incomplete)]


def parts(argument: str) -> Callable[[str], list[str]]:
    """Returns a function that completes the short names of a part."""
    return lambda incomplete: [name for name in part_names(argument) if name.startswith(incomplete)]


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


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Completes NAME=VALUE for `--set`: arguments of the model and its parts, with defaults or names."""
    words = (ctx.params.get("model"), *ctx.args)  # an option without its value hides the arguments
    model = next((word for word in words if word in model_names()), None)
    known = dict(model_arguments(model)) if model else {}
    chosen = {part: value for part in ("encoder", "likelihood", "prior") if (value := ctx.params.get(part))}
    chosen |= dict(each.split("=", 1) for each in ctx.params.get("settings") or () if "=" in each)
    for part, value in chosen.items():
        known |= {f"{part}.{name}": default for name, default in part_arguments(part, value).items()}
    for name in ("condition", "seed"):  # they have separate options
        known.pop(name, None)
    found = []
    for name, default in known.items():
        values = part_names(name) if incomplete else []
        found += [f"{name}={value}" for value in values or [default]]
    return [each for each in found if each.startswith(incomplete)]


@contextlib.contextmanager
def words_of_bash():
    """Joins words that Bash split at `=`, completes them, and splits the result again.

    `--set prior=va` arrives as the three words `prior`, `=` and `va`, of which only the last is replaced.
    """
    if os.environ.get(_VARIABLE) != "complete_bash":
        yield
        return
    words, number = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
    words = [*words, *[""] * (number + 1 - len(words))][: number + 1]
    joined: list[str] = []
    for word in words:
        if joined and (word == "=" or joined[-1].endswith("=")) and not joined[-1].startswith("--"):
            joined[-1] += word
        else:
            joined.append(word)
    cut = joined[-1].rfind("=") + 1
    os.environ |= {"COMP_WORDS": "\n".join(joined), "COMP_CWORD": str(len(joined) - 1)}
    answer = io.StringIO()
    try:
        with contextlib.redirect_stdout(answer):
            yield
    finally:
        print("".join(line[cut:] for line in answer.getvalue().splitlines(keepends=True)), end="")


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
