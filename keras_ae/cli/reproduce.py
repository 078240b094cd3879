"""`keras-ae reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.shared_options import DownloadOption
from keras_ae.cli.startup import start_tensorflow


def reproduce(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="Name of a recipe, or a .json file: see `keras-ae presets`.",
            autocompletion=completion.recipes,
        ),
    ],
    seeds: Annotated[int, typer.Option(min=1, help="Train with this many seeds, and report means over them.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the runs and of the evaluation.", show_default="reproduced/RECIPE")
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the model of the first seed as a preset, with its results."),
    ] = None,
    download: DownloadOption = False,
):
    """Train a recipe, measure the model on test data, and compare with the results in the paper.

    Repeat the command to continue an interrupted reproduction.
    """
    from keras_ae.recipes import Recipe

    opened = Recipe.open(recipe)
    out = out or Path("reproduced") / opened.name
    start_tensorflow()
    from rich.console import Console

    from keras_ae.recipes.reproduce import reproduce as run

    found = run(opened, out, seeds=seeds, download=download, console=Console())
    _show(found.results)
    if release is not None:
        from keras_ae.recipes.release import release as write

        typer.echo(f"The preset is in {write(found, release)}")


def _show(results):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("measurement", "paper", "target", "ours", "95% interval", "verdict"):
        table.add_column(name, overflow="fold")
    for name, row in results.items():
        table.add_row(name, *(_number(row.get(key)) for key in ("paper", "target", "ours", "interval")), row["verdict"])
    Console().print(table)


def _number(value):
    if isinstance(value, list):
        return " to ".join(map(_number, value))
    return "" if value is None else f"{value:.4g}"
