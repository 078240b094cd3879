"""`keras-ae export saved-model` and `keras-ae export litert`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli.errors import sentence

app = typer.Typer(help="Export the model of a run, verified by another loader.", no_args_is_help=True)
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `keras-ae train` wrote.")]
_MOST_COMPARED = 1000  # held-out examples that outlier scores compare with


class Quantize(str, enum.Enum):
    """How weights are stored in a .tflite file."""

    none = "none"
    dynamic = "dynamic"


@app.command("saved-model")
def saved_model(
    run: RunArgument,
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Folder of the model: the export is a new version in it, its next number.  "
            "[default: exports/models/<run>]",
        ),
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Give pictures as PNG files too.")] = False,
):
    """Export a SavedModel, for TensorFlow Serving and every language with a TensorFlow library."""
    from keras_ae.run import Run

    opened = Run.open(run)
    directory = directory or Path("exports/models") / opened.name
    model = _load(opened)
    from keras_ae.export import saved_model as write

    _report(write(model, directory, version="next", reference=_held_out(opened, model), png=png))


@app.command("litert")
def litert(
    run: RunArgument,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Ends in .tflite.  [default: exports/tflite/<run>.tflite]"),
    ] = None,
    quantize: Annotated[Quantize, typer.Option(help="dynamic: 8-bit weights, a quarter of the size.")] = Quantize.none,
):
    """Export the decoder as a .tflite file, for a phone, a browser or a microcomputer."""
    from keras_ae.run import Run

    opened = Run.open(run)
    file = file or Path("exports/tflite") / f"{opened.name}.tflite"
    model = _load(opened)
    from keras_ae.export import litert as write

    _report(write(model, file, quantize=quantize.value))


def describe(card):
    """What a card says, as (name, text) pairs."""
    worst = max(outputs["x"]["max"] for outputs in card.errors.values() if "x" in outputs)
    return {
        "file": str(card.path),
        "signatures": ", ".join(card.signatures),
        "size": f"{card.bytes['total'] / 1000:,.0f} kB",
        "decode": f"{card.latency['decode_us']:,.0f} us, median of {card.latency['runs']} calls with one row",
        "largest error": f"{worst:.1e}",
        "verified": "yes, in a process of its own" if card.verified else "no",
    }


def _load(run):
    from keras_ae.cli.startup import start_tensorflow

    start_tensorflow()
    return run.model()


def _held_out(run, model):
    """Examples of the data of a run that it did not learn from, (x, condition); `None` where they are not at hand."""
    import numpy as np

    from keras_ae.cli.recipe import load_examples

    try:
        data, training = dict(run.config["data"]), run.config["training"]
        examples, _, _ = load_examples(type(model), data, download=False)
        _, held_out = examples.split(data["validation_fraction"], training["seed"])
        if held_out is None:
            raise ValueError("The run has kept no examples for validation.")
        chosen = held_out.rows(np.linspace(0, len(held_out) - 1, min(len(held_out), _MOST_COMPARED)).astype(int))
        model.prepare(chosen.x, chosen.condition)
    except (KeyError, OSError, ValueError) as error:
        typer.echo(f"The export has no outlier scores. {sentence(error)}", err=True)
        return None
    return chosen.x, chosen.condition


def _report(card):
    from rich.console import Console

    console = Console()
    for name, text in describe(card).items():
        console.print(f"{name:14} {text}", soft_wrap=True, highlight=False)
