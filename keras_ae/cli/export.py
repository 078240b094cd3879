"""`keras-ae export saved-model`, `keras-ae export litert` and `keras-ae export onnx`."""

import enum
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_ae.cli.error_messages import sentence
from keras_ae.cli.shared_options import LicenseOption, PresetOption, RunArgument, RunCommand, file_argument
from keras_ae.cli.startup import start_tensorflow
from keras_ae.io.paths import inside
from keras_ae.run import Run

app = typer.Typer(help="Export the model of a run, and verify the export with another loader.", no_args_is_help=True)
_MAX_REFERENCE = 1000  # held-out reference examples of outlier scores


class Signature(str, enum.Enum):  # Typer takes no list of literals
    """Signatures of a .tflite file."""

    decode = "decode"
    generate = "generate"
    encode = "encode"
    reconstruct = "reconstruct"
    score = "score"


@app.command("saved-model", cls=RunCommand)
def saved_model(
    ctx: typer.Context,
    run: RunArgument,
    directory: file_argument(
        "Folder of the model: the export becomes its next numbered version.", "exports/models/<run>", "DIR"
    ) = None,
    preset: PresetOption = None,
    png: Annotated[bool, typer.Option("--png", help="Add an output with PNG files.")] = False,
    max_num: Annotated[
        int | None,
        typer.Option(min=1, help="Maximum number of samples per call.", show_default="4096, at most 256 MiB"),
    ] = None,
    license: LicenseOption = None,
):
    """Export a SavedModel for TensorFlow Serving, and for every language with a TensorFlow library."""
    opened = Run.open(run)
    directory = directory or inside("exports/models", opened.name)
    model, detector = _load(opened)
    from keras_ae.export import saved_model as write

    facts = {"details": opened.details, "license": license}
    reference = _held_out(opened, model, ctx) if detector is None else None
    options = {"reference": reference, "png": png, "max_num": max_num}
    _report(write(detector or model, directory, version="next", **options, **facts))


@app.command("litert", cls=RunCommand)
def litert(
    ctx: typer.Context,
    run: RunArgument,
    file: file_argument(
        "Path ending in .tflite.", "exports/tflite/<run>.tflite; with --quantize int8, <run>-int8.tflite"
    ) = None,
    preset: PresetOption = None,
    quantize: Annotated[
        Literal["none", "fp16", "dynamic", "int8"],
        typer.Option(help="fp16: half the size. dynamic: 8-bit weights, a quarter. int8: 8-bit arithmetic too."),
    ] = "none",
    batch_size: Annotated[int, typer.Option(min=1, help="Examples per call.")] = 1,
    encoder: Annotated[bool, typer.Option("--encoder", help="Include `encode` and `reconstruct`.")] = False,
    signatures: Annotated[
        list[Signature] | None,
        typer.Option(
            help="Signature to include; repeatable. A microcontroller cannot run `generate`. Only a detector has "
            "`score`.",
            show_default="decode, generate",
        ),
    ] = None,
    inference_io: Annotated[
        Literal["float32", "int8"], typer.Option(help="int8: with --quantize int8, integer inputs and outputs.")
    ] = "float32",
    quality: Annotated[
        bool | None,
        typer.Option(
            "--quality/--no-quality",
            help="Evaluate the export with a classifier, trained once per data set.",
            show_default="for 8 bits, if labeled data are available",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            help="Maximum difference from the model.",
            show_default="1e-5 of the largest value, fp16 2e-3; 8 bits 5% FID, or 20% of the spread",
        ),
    ] = None,
    license: LicenseOption = None,
):
    """Export the decoder as a .tflite file for a phone, a browser or a single-board computer.

    The data of the run calibrate int8, if they are available. The card states if 8 bits were not evaluated.
    """
    opened = Run.open(run)
    variants = [] if quantize == "none" else [quantize]
    variants += ["encoder"] * encoder + [f"batch{batch_size}"] * (batch_size > 1)
    file = file or _default_file("exports/tflite", opened, variants, ".tflite")
    model, detector = _load(opened)
    judges = {}
    names = [signature.value for signature in signatures] if signatures else None
    automatic = quality is None and quantize in ("dynamic", "int8")
    if quality or automatic or quantize == "int8":
        # A classifier needs images, not codes.
        judges = _judges(opened, model, False if names == ["encode"] and not quality else quality, ctx)
    from keras_ae.export import litert as write

    options = {"quantize": quantize, "batch_size": batch_size, "budget": budget}
    options |= {"encoder": encoder, "signatures": names, "inference_io": inference_io}
    facts = {"notes": input_notes(opened, model), "details": opened.details, "license": license}
    _report(write(detector or model, file, **options, **judges, **facts))


@app.command("onnx", cls=RunCommand)
def onnx(
    ctx: typer.Context,
    run: RunArgument,
    file: file_argument(
        "Path ending in .onnx.", "exports/onnx/<run>.onnx; with --signature generate, <run>-generate.onnx"
    ) = None,
    preset: PresetOption = None,
    signature: Annotated[
        Literal["decode", "generate", "score"] | None,
        typer.Option(help="Function of the file.", show_default="decode; score of a detector"),
    ] = None,
    license: LicenseOption = None,
):
    """Export the decoder as an .onnx file for ONNX Runtime. Needs keras_ae[onnx]."""
    opened = Run.open(run)
    variants = [] if signature in (None, "decode") else [signature]
    file = file or _default_file("exports/onnx", opened, variants, ".onnx")
    model, detector = _load(opened)
    from keras_ae.export import onnx as write

    _report(write(detector or model, file, signature=signature, details=opened.details, license=license))


def _describe(card):
    """Returns the contents of a card for people, {name: text}."""
    from keras_ae.export.verification.comparison import largest_error

    timed = next(name for name in card.latency if name.endswith("_us"))
    rows = card.latency.get("rows", 1)
    median = f"median of {card.latency['runs']} calls with {'one row' if rows == 1 else f'{rows} rows'}"
    return {
        "file": str(card.path),
        "signatures": ", ".join(card.signatures),
        "size": f"{card.bytes['total'] / 1000:,.0f} kB",
        timed.removesuffix("_us"): f"{card.latency[timed]:,.0f} us, {median}",
        "largest error": f"{largest_error(card.errors):.1e}",
        **_quality(card.quality),
        "verified": "yes, in a separate process" if card.verified else "no",
    }


def _quality(quality):
    """Returns the quality section of a card as text."""
    if not quality:
        return {}
    lines = {"of samples": f"{quality['max']:.1e} at most, {quality['rms']:.1e} rms, of {quality['samples']:,}"}
    if "frechet_distance" in quality:
        distance = quality["frechet_distance"]
        lines["Frechet"] = f"{distance['export']:.4g}, the model's {distance['model']:.4g}: {distance['change']:+.1%}"
    if "accuracy" in quality:
        accuracy = quality["accuracy"]
        lines["accuracy"] = f"{accuracy['export']:.1%}, the model's {accuracy['model']:.1%}"
    return lines


def _judges(run, model, quality, ctx=None):
    """Returns the arguments of `litert` from the data of a run: examples and a classifier.

    Args:
        quality: whether a classifier is required; `None` for one if the data allow it.
    """
    from keras_ae.run.examples import load_examples

    try:
        found = load_examples(type(model), run.config["data"], download=False)[0].known(model.condition)
    except (FileNotFoundError, ValueError, KeyError) as error:
        if quality:
            raise
        typer.echo(
            f"Samples of the model calibrate int8, because its data are not available. {sentence(error, ctx)}", err=True
        )
        return {}
    judges = {"examples": found.x if model.condition is None else (found.x, found.condition)}
    if quality is False:
        return judges
    try:
        return {**judges, "classifier": _classifier(found)}
    except (OSError, ValueError, typer.BadParameter) as error:
        if quality:
            raise
        typer.echo(f"No classifier evaluates the export. {sentence(error, ctx)}", err=True)
        return judges


def _classifier(examples):
    """Returns a classifier of the labels, from the cache or newly trained."""
    if examples.labels is None:
        raise typer.BadParameter("needs data with labels to train a classifier.", param_hint="--quality")
    from keras_ae.evaluate import train_classifier

    examples = examples.rows(examples.labels != -1)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras_ae"
    typer.echo(f"Loading a classifier from {folder}, or training one", err=True)
    return train_classifier(examples.x, examples.labels, cache=folder)


def input_notes(run, model):
    """Returns notes on the inputs from the data of a run: class names; units and ranges of the strokes' properties."""
    from keras_ae import datasets
    from keras_ae.run.examples import label_name

    data = run.config["data"]
    try:
        classes, label = datasets.info(data["name"]).class_names, label_name(data["name"])
    except (FileNotFoundError, ValueError):  # the data are not available
        return {}
    parts = {} if model.condition is None else model.condition.properties
    inputs = zip(data["condition"] or ["condition"], parts.items(), strict=False)
    notes = {}
    for name, (key, part) in inputs:
        if name == label and getattr(part, "num_classes", None) == len(classes):
            notes[key] = {"description": f"{name.capitalize()}.", "labels": list(classes)}
        elif data["name"] == "strokes" and name in datasets.strokes.UNITS:
            low, high = datasets.strokes.RANGES[name]
            notes[key] = {
                "description": f"{name.capitalize()}.",
                "unit": datasets.strokes.UNITS[name],
                "range": [low, high],
            }
    return notes


def _default_file(folder: str, run, variants: list[str], suffix: str) -> Path:
    """Returns the default path of an export, such as "cvae-int8.tflite", distinct for each kind of export."""
    return inside(folder, "-".join([run.name, *variants]) + suffix)


def _load(run):
    """Returns the model of a run, and its detector or `None`."""
    start_tensorflow()
    detector = run.detector()
    return (run.model(), None) if detector is None else (detector.model_, detector)


def _held_out(run, model, ctx=None):
    """Returns held-out examples of a run, (x, condition); `None` if they are not available."""
    import numpy as np

    from keras_ae.input_checks import checked_arrays
    from keras_ae.run.examples import load_examples

    try:
        data, training = dict(run.config["data"]), run.config["training"]
        examples, _, _ = load_examples(type(model), data, download=False)
        _, held_out = examples.split(data["validation_fraction"], training["seed"])
        held_out = held_out and held_out.known(model.condition)
        if not held_out:
            raise ValueError("The run has no validation examples, or none with known labels.")
        chosen = held_out.rows(np.linspace(0, len(held_out) - 1, min(len(held_out), _MAX_REFERENCE)).astype(int))
        checked_arrays(model, chosen.x, chosen.condition)
    except (KeyError, OSError, ValueError) as error:
        typer.echo(f"The export has no outlier scores. {sentence(error, ctx)}", err=True)
        return None
    return chosen.x, chosen.condition


def _report(card):
    from rich.console import Console

    console = Console()
    for name, text in _describe(card).items():
        console.print(f"{name:14} {text}", soft_wrap=True, highlight=False)
