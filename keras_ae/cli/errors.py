"""Where every error ends: as one sentence, with an exit code."""

import sys
import traceback

import typer
from typer.core import TyperGroup

# What the library, Keras and the system raise for what a user can mend. `tf.errors.OpError` joins when it is loaded.
_FAMILIES = (ArithmeticError, ImportError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
_LONGEST = 800


class ErrorsAsSentences(TyperGroup):
    """Runs a command: 0 done, 1 failed, 2 usage, 130 interrupted."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt as error:
            self._report(ctx, error, "Interrupted.")
            raise typer.Exit(130) from error
        except Exception as error:
            if hasattr(error, "exit_code"):  # wrong usage, which Typer explains
                raise
            self._report(ctx, error, sentence(error))
            raise typer.Exit(1) from error

    @staticmethod
    def _report(ctx, error, text):
        from rich.console import Console
        from rich.text import Text

        if ctx.params.get("debug"):
            traceback.print_exception(error)
        Console(stderr=True).print(Text(text, "red"), soft_wrap=True)


def sentence(error):
    """An error as one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    if isinstance(error, _families()) and not isinstance(error, NotImplementedError):
        return text
    # These do not explain themselves.
    return f"internal error: {type(error).__name__}: {text} (run `keras-ae --debug ...` for the traceback)"


def _families():
    tensorflow = sys.modules.get("tensorflow")
    errors = getattr(tensorflow, "errors", None)
    return (*_FAMILIES, errors.OpError) if errors is not None else _FAMILIES
