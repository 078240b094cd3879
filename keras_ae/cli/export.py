"""`keras-ae export saved-model`, `keras-ae export litert` and `keras-ae export onnx`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from keras_ae.files import inside

app = typer.Typer(help="Export the model of a run, verified by another loader.", no_args_is_help=True)
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `keras-ae train` wrote.")]
LicenceOption = Annotated[str | None, typer.Option(help="Of the weights, for the card.", show_default="not stated")]


class Quantize(str, enum.Enum):
    """How weights are stored in a .tflite file."""

    none = "none"
    dynamic = "dynamic"


class Function(str, enum.Enum):
    """What an .onnx file does."""

    decode = "decode"
    generate = "generate"


@app.command("saved-model")
def saved_model(
    run: RunArgument,
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Where to put it.  [default: exports/models/<run>/<next number>]"),
    ] = None,
    licence: LicenceOption = None,
):
    """Export a SavedModel, for TensorFlow Serving and every language with a TensorFlow library."""
    from keras_ae.run import Run

    opened = Run.open(run)
    directory = directory or _next_version(inside("exports/models", opened.name))
    model = _load(opened)
    from keras_ae.export import saved_model as write

    _report(write(model, directory, details=opened.details, licence=licence))


@app.command("litert")
def litert(
    run: RunArgument,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Ends in .tflite.  [default: exports/tflite/<run>.tflite]"),
    ] = None,
    quantize: Annotated[Quantize, typer.Option(help="dynamic: 8-bit weights, a quarter of the size.")] = Quantize.none,
    licence: LicenceOption = None,
):
    """Export the decoder as a .tflite file, for a phone, a browser or a microcomputer."""
    from keras_ae.run import Run

    opened = Run.open(run)
    file = file or inside("exports/tflite", f"{opened.name}.tflite")
    model = _load(opened)
    from keras_ae.export import litert as write

    _report(write(model, file, quantize=quantize.value, details=opened.details, licence=licence))


@app.command("onnx")
def onnx(
    run: RunArgument,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Ends in .onnx.  [default: exports/onnx/<run>.onnx]"),
    ] = None,
    signature: Annotated[Function, typer.Option(help="A file holds one function.")] = Function.decode,
    licence: LicenceOption = None,
):
    """Export the decoder as an .onnx file, for ONNX Runtime. Needs the extra "onnx" of keras_ae."""
    from keras_ae.run import Run

    opened = Run.open(run)
    suffix = "" if signature is Function.decode else f".{signature.value}"
    file = file or inside("exports/onnx", f"{opened.name}{suffix}.onnx")
    model = _load(opened)
    from keras_ae.export import onnx as write

    _report(write(model, file, signature=signature.value, details=opened.details, licence=licence))


def describe(card):
    """What a card says, as (name, text) pairs."""
    worst = max(output["max"] for signature in card.errors.values() for output in signature.values())
    timed = next(name for name in card.latency if name.endswith("_us"))
    median = f"median of {card.latency['runs']} calls with one row"
    return {
        "file": str(card.path),
        "signatures": ", ".join(card.signatures),
        "size": f"{card.bytes['total'] / 1000:,.0f} kB",
        timed.removesuffix("_us"): f"{card.latency[timed]:,.0f} us, {median}",
        "largest error": f"{worst:.1e}",
        "verified": "yes, in a process of its own" if card.verified else "no",
    }


def _load(run):
    from keras_ae.cli.startup import start_tensorflow

    start_tensorflow()
    return run.model()


def _next_version(folder):
    numbers = [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()] if folder.is_dir() else []
    return folder / str(max(numbers, default=0) + 1)


def _report(card):
    from rich.console import Console

    console = Console()
    for name, text in describe(card).items():
        console.print(f"{name:14} {text}", soft_wrap=True, highlight=False)
