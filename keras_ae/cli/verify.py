"""`keras-ae verify`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.startup import start_tensorflow
from keras_ae.run.run import PRESET


def verify(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="Export, folder of exports such as exports/models/cvae, or preset:NAME.",
            autocompletion=completion.paths,
        ),
    ],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every file and its hash.")] = False,
):
    """Verify exports or a preset against their cards: every file, and the outputs, recomputed.

    Another loader runs the exports, and the model of a preset computes its reference outputs again. Prints one line per
    export, and a line with WRONG for each missing or wrong item; then the exit code is 1.
    """
    start_tensorflow()
    if str(path).startswith(PRESET):
        from keras_ae.released.verification import verify_preset

        report, what = verify_preset(str(path).removeprefix(PRESET)), "preset"
    else:
        from keras_ae.export import verify as check

        report, what = check(path), "export"
    if verbose:
        _print_tables(report)
    else:
        _print_lines(report)
    num = len(report.artifacts)
    state = "all match their cards" if report.ok else f"{len(report.problems)} items are missing or wrong"
    typer.echo(f"{num} {what}{'s' * (num > 1)}: {state}")
    if not report.ok:
        raise typer.Exit(1)


def _print_lines(report):
    for artifact, checks in report.artifacts.items():
        wrong = [check for check in checks if not check.ok]
        for check in wrong:
            typer.echo(f"{_mark(check.ok)}  {artifact}: {check.subject}: {check.finding}")
        if not wrong:
            numbers = next(check.finding for check in checks if check.subject == "numbers").partition(";")[0]
            typer.echo(f"{_mark(True)}  {artifact}: {len(checks) - 1} files, {numbers}")


def _mark(ok):
    return typer.style("ok   ", fg="green") if ok else typer.style("WRONG", fg="red")


def _print_tables(report):
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for artifact, checks in report.artifacts.items():
        table = Table(title=str(artifact), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name in ("", "what", "found"):
            table.add_column(name, overflow="fold")
        for check in checks:
            mark = Text("ok", "green") if check.ok else Text("WRONG", "red")
            table.add_row(mark, Text(check.subject), Text(check.finding))
        console.print(table)
        console.print()
