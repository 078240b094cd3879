"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion

RunArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder that `keras-ae train` wrote.", autocompletion=completion.runs)
]
DownloadOption = Annotated[bool, typer.Option("--download", help="Allow TFDS to download the data set.")]
SeedOption = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights, order, noise and samples.")]
LicenseOption = Annotated[
    str | None, typer.Option(help="License of the weights, for the card.", show_default="not stated")
]


def model_argument(help: str) -> type:
    """Returns the type of an optional argument MODEL."""
    argument = typer.Argument(metavar="MODEL", help=help, show_default=False, autocompletion=completion.models)
    return Annotated[str | None, argument]


def part_option(argument: str, help: str, default: str) -> type:
    """Returns the type of an option with the short name of a part."""
    return Annotated[
        str | None, typer.Option(help=help, show_default=default, autocompletion=completion.parts(argument))
    ]


def file_argument(help: str, default: str, metavar: str = "FILE") -> type:
    """Returns the type of an optional path of an export."""
    return Annotated[Path | None, typer.Argument(metavar=metavar, help=help, show_default=default)]
