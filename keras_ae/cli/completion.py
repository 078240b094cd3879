"""What the shell offers after a TAB: names of models, data sets and settings, and folders of runs. No TensorFlow."""

import contextlib
import io
import os
import pathlib
from collections.abc import Callable, Iterable

import typer

from keras_ae.cli.tables import model_arguments, model_names, part_arguments, part_names

_VARIABLE = "_KERAS_AE_COMPLETE"  # the shell's script sets it, as Typer names it


def models(incomplete: str) -> list[str]:
    """Short names of models."""
    return [name for name in model_names() if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """Names of data sets, and files and folders."""
    from keras_ae.datasets.catalogue import names

    return [*(name for name in names() if name.startswith(incomplete)), *paths(incomplete)]


def parts(argument: str) -> Callable[[str], list[str]]:
    """A function for the option of a part: its short names."""
    return lambda incomplete: [name for name in part_names(argument) if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Folders of runs, and folders on the way to them."""
    return _folders(incomplete, lambda folder: (folder / "config.json").is_file())


def unfinished_runs(incomplete: str) -> list[str]:
    """What `--resume` takes: a run by the name that it will have."""
    found = _folders(incomplete, lambda folder: folder.name.endswith(".partial"))
    return [path.removesuffix(".partial") for path in found]


def paths(incomplete: str) -> list[str]:
    """Files and folders."""
    return [str(path) + "/" * path.is_dir() for path in _entries(incomplete)]


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """NAME=VALUE for `--set`: arguments of the model and of the chosen parts, with their defaults or names."""
    words = (ctx.params.get("model"), *ctx.args)  # an option that still waits for its value hides the arguments
    model = next((word for word in words if word in model_names()), None)
    known = dict(model_arguments(model)) if model else {}
    chosen = {part: value for part in ("encoder", "likelihood", "prior") if (value := ctx.params.get(part))}
    chosen |= dict(each.split("=", 1) for each in ctx.params.get("settings") or () if "=" in each)
    for part, value in chosen.items():
        known |= {f"{part}.{name}": default for name, default in part_arguments(part, value).items()}
    for name in ("condition", "seed"):  # options of their own
        known.pop(name, None)
    found = []
    for name, default in known.items():
        values = part_names(name) if incomplete else []
        found += [f"{name}={value}" for value in values or [default]]
    return [each for each in found if each.startswith(incomplete)]


@contextlib.contextmanager
def words_of_bash():
    """Bash cuts words at `=`: joins them for the completion, and cuts its answer again.

    `--set prior=va` comes as the three words `prior`, `=` and `va`, of which only the last is replaced.
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
    """What lies where a path begins; hidden names where their dot was typed."""
    head, tail = os.path.split(incomplete)
    try:
        found = sorted(pathlib.Path(head).expanduser().iterdir())
    except OSError:
        return []
    return [path for path in found if path.name.startswith(tail) and path.name.startswith(".") <= tail.startswith(".")]
