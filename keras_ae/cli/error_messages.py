"""Error handling: prints every error as one sentence in terms of command-line options, with an exit code."""

import pathlib
import re
import sys
import traceback

import typer
from typer.core import TyperCommand

# User errors of the library, Keras and the system. `tf.errors.OpError` is added once TensorFlow is imported.
_FAMILIES = (ArithmeticError, ImportError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
_LONGEST = 800
# Library argument: command parameters with another name, of which the first that the command has applies.
_ALIASES = {
    "name": ("dataset",),  # of `datasets.load`
    "x": ("dataset",),
    "decoder": ("encoder",),  # one option for both
    "num_devices": ("devices",),
    "classifier": ("quality",),
    "model": ("run",),
    "kinds": ("kind",),
    "path": ("file", "path", "out"),
    "directory": ("directory", "out"),
}
# Arguments without a parameter: the config of a run determines its data.
_OF_A_RUN = {"name": "the data set of `RUN`", "x": "the data set of `RUN`"}
# Python code in hints, and its command-line equivalent.
_STEPS = {
    r"Other data, such as tables, take likelihood=\"normal\"": "Other data, such as tables, take --likelihood normal",
    r"Use \w+\(\.\.\., trainable=False\)": "Give --set prior.trainable=false",
    r"a sampler is fitted to its codes: model\.fit_sampler\(\"(\w+)\", x\)": r"it is trained with --set sampler=\1",
}


class Command(TyperCommand):
    """Runs a command and exits with 0 (success), 1 (failure), 2 (usage error) or 130 (interrupted)."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt as error:
            self._report(ctx, error, "Interrupted.")
            raise typer.Exit(130) from error
        except Exception as error:
            if hasattr(error, "exit_code"):  # a usage error, which Typer explains
                raise
            self._report(ctx, error, sentence(error, ctx))
            raise typer.Exit(1) from error

    @staticmethod
    def _report(ctx, error, text):
        from rich.console import Console
        from rich.text import Text

        if ctx.find_root().params.get("debug"):
            traceback.print_exception(error)
        Console(stderr=True).print(Text(text, "red"), soft_wrap=True)


def sentence(error: BaseException, ctx: typer.Context | None = None) -> str:
    """Formats an error as one line, with command-line options in place of Python arguments."""
    text = " ".join(str(error).split()) or type(error).__name__
    if ctx is not None:
        text = in_options(text, ctx)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    if isinstance(error, _families()) and not isinstance(error, NotImplementedError):
        return text
    # Internal errors need a traceback.
    return f"internal error: {type(error).__name__}: {text} (run `keras-ae --debug ...` for the traceback)"


def in_options(text: str, ctx: typer.Context) -> str:
    """Translates an error of the library to command-line terms: `` `batch_size` `` becomes `` `--batch-size` ``.

    Args:
        text: an error message of the library, with arguments in backticks, as `name=True`, or as
            `Received: name=value`.
        ctx: the command. A setting appears as the user wrote it: `` `--set prior.components` ``.
    """
    options, settings = _options(ctx), _settings(ctx)
    if isinstance(
        ctx.params.get("resume"), pathlib.Path
    ):  # the other settings are in the config of the run, under their Python names
        options = {"download": options["download"]}
    spoken = {name: f"`{option}`" for name, option in (options | settings).items()}
    if "run" in options:
        spoken = _OF_A_RUN | spoken
    text = re.sub(r"`([a-z][\w.]*)`", lambda match: spoken.get(match[1], match[0]), text)
    flags = {"download": "--download of `keras-ae train`"} | options
    text = re.sub(r"\b([a-z]\w*)=True\b", lambda match: flags.get(match[1], match[0]), text)
    names = "|".join(sorted(set(options) - set(settings), key=len, reverse=True))
    text = re.sub(rf"Received: ({names})=None", lambda match: f"Received: no {options[match[1]]}", text)
    text = re.sub(rf"Received: (?:{names})=", "Received: ", text)
    for step, words in _STEPS.items():
        text = re.sub(step, words, text)
    return re.sub("^the data set", "The data set", text)


def _options(ctx):
    """Returns {Python argument: command-line option} for all parameters of a command and their aliases."""
    found = {}
    for parameter in ctx.command.params:
        option = next((each for each in parameter.opts if each.startswith("--")), None)
        found[parameter.name] = option or parameter.metavar or parameter.name.upper()
    for alias, names in _ALIASES.items():
        target = next((name for name in names if name in found), None)
        if target is not None and alias not in found:
            found[alias] = found[target]
    return found


def _settings(ctx):
    """Returns the given settings, by full name and by last part."""
    found = {}
    for text in ctx.params.get("settings") or ():
        name = text.split("=", 1)[0].strip()
        found[name.rpartition(".")[2]] = found[name] = f"--set {name}"
    return found


def _families():
    tensorflow = sys.modules.get("tensorflow")
    errors = getattr(tensorflow, "errors", None)
    return (*_FAMILIES, errors.OpError) if errors is not None else _FAMILIES
