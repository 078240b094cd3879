"""`keras-ae verify`."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="An export, or a folder of exports such as exports/models/cvae.")
    ],
):
    """Verify exports against their cards: every file, and the numbers, run again by another loader.

    The exit status is 1 where anything is missing or wrong, and every line with WRONG says what.
    """
    from keras_ae.cli.startup import start_tensorflow

    start_tensorflow()
    from keras_ae.export import verify as check

    report = check(path)
    _print(report)
    if not report.ok:
        raise typer.Exit(1)


def _print(report):
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
    num = len(report.artifacts)
    state = "all as their cards say" if report.ok else f"{len(report.problems)} things are missing or wrong"
    console.print(f"{num} {'export' if num == 1 else 'exports'}: {state}", highlight=False)
