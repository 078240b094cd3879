"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.error_messages import Command
from keras_ae.run.run import PRESET

RunArgument = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder that `keras-ae train` wrote.", autocompletion=completion.runs)
]
PresetOption = Annotated[  # which `RunCommand` reads
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="A released model in place of RUN: a name, a folder or hf://user/name. See `keras-ae presets`.",
        show_default=False,
        autocompletion=completion.presets,
    ),
]
DownloadOption = Annotated[bool, typer.Option("--download", help="Allow TFDS to download the data set.")]
SeedOption = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights, order, noise and samples.")]
LicenseOption = Annotated[
    str | None, typer.Option(help="License of the weights, for the card.", show_default="not stated")
]


class RunCommand(Command):
    """A command with the argument RUN, which `--preset NAME` replaces by preset:NAME."""

    def parse_args(self, ctx, args):
        args = list(args)
        for number, text in enumerate(args):
            name, equals, value = text.partition("=")
            if name == "--preset" and (equals or number + 1 < len(args)):
                value = value if equals else args.pop(number + 1)
                args[: number + 1] = [f"{PRESET}{value}", *args[:number]]
                break
        return super().parse_args(ctx, args)


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
