"""The commands and their common options, errors and exit codes."""

from typing import Annotated

import typer

from keras_ae.cli import (
    evaluate,
    explore,
    export,
    generate,
    listing,
    outliers,
    quickstart,
    reproduce,
    score,
    serve,
    train,
    verify,
)
from keras_ae.cli.error_messages import Command
from keras_ae.cli.shared_options import RunCommand

app = typer.Typer(
    name="keras-ae",
    help="Train autoencoders, explore and evaluate them, generate samples, and export decoders.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("quickstart", cls=Command)(quickstart.quickstart)
app.command("train", cls=Command)(train.train)
app.command("evaluate", cls=RunCommand)(evaluate.evaluate)
app.command("explore", cls=RunCommand)(explore.explore)
app.command("reproduce", cls=Command)(reproduce.reproduce)
app.command("outliers", cls=RunCommand)(outliers.outliers)
app.command("generate", cls=RunCommand)(generate.generate)
app.add_typer(export.app, name="export")
app.command("score", cls=Command)(score.score)
app.command("serve", cls=Command)(serve.serve)
app.command("verify", cls=Command)(verify.verify)
app.command("presets", cls=Command)(listing.presets)
app.command("models", cls=Command)(listing.models)
app.command("datasets", cls=Command)(listing.datasets)


def _show_version(wanted):
    if wanted:
        from keras_ae import __version__

        typer.echo(f"keras-ae {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors, and TensorFlow's logs.")] = False,
):
    # The options are read elsewhere: `--version` in its callback, `--debug` in the error handler.
    pass
