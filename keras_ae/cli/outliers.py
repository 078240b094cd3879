"""`keras-ae outliers`."""

import contextlib
import re
from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.shared_options import DownloadOption, PresetOption, RunArgument
from keras_ae.cli.startup import start_tensorflow
from keras_ae.run import Run


def outliers(
    run: RunArgument,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="Name or path: see `keras-ae datasets`.", autocompletion=completion.datasets
        ),
    ],
    preset: PresetOption = None,
    split: Annotated[
        str | None,
        typer.Option(help='Split of DATA in TFDS syntax, such as "test[:1000]".', show_default="test, or else train"),
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(help="Largest probability that a usual row is called an outlier, in (0, 1).")
    ] = 0.01,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Usual examples that the model was not trained on: name or path.",
            show_default="the validation examples of RUN, or the detector's",
            autocompletion=completion.datasets,
        ),
    ] = None,
    scoring: Annotated[
        str | None, typer.Option(help="Outlier score: see docs/outliers.md.", show_default="auto, or the detector's")
    ] = None,
    most_rows: Annotated[int, typer.Option(min=1, help="Maximum number of rows in outliers.csv.")] = 10_000,
    out: Annotated[Path | None, typer.Option(help="Folder to write.", show_default="RUN/outliers")] = None,
    download: DownloadOption = False,
):
    """Find the outliers in a data set: a table sorted by p-value, a summary and an HTML page.

    DATA is anything that `keras-ae train` takes. It is read in chunks, twice, and may be larger than memory. The score
    is fitted to the training examples of RUN, and p-values are computed from its validation examples. If RUN or the
    preset is a detector, it has been fitted already.
    """
    if not 0 < false_alarms < 1:
        raise typer.BadParameter(f"must be in (0, 1). Received: {false_alarms}", param_hint="--false-alarms")
    opened = Run.open(run)
    recipe = opened.config if opened.has_detector else opened.recipe
    start_tensorflow()
    from rich.console import Console

    from keras_ae.outliers.report import report
    from keras_ae.run.outlier_data import OutlierData, check_columns, fitted_detector, usual_examples

    detector = opened.detector() if reference is None and scoring is None else None
    model = opened.model() if detector is None else detector.model_
    known = recipe.get("data", {"condition": []})  # unknown if a detector was saved without a run
    with _naming("data"):
        rows = OutlierData.open(data, split, model, known["condition"], download=download)
    if reference or "name" in known:
        check_columns(data, reference or known["name"])
    if detector is not None:
        usual, described = usual_examples(detector, recipe, download=download)
    else:
        with _naming("reference") if reference else contextlib.nullcontext():
            options = {"scoring": scoring or "auto", "download": download}
            detector, usual, described = fitted_detector(model, {**recipe, "data": known}, reference, **options)
    out = out or opened.outputs / "outliers"
    with _naming("data"):
        found = report(
            detector,
            rows,
            None if usual is None else usual.x,
            usual_condition=None if usual is None else usual.condition,
            why_not=described,
            out=out,
            false_alarms=false_alarms,
            columns=rows.chunks.columns,
            row_names=rows.chunks.row_names,
            most_rows=most_rows,
            num=rows.chunks.num,
            data={"name": data, "split": rows.chunks.split, "run": str(run), "reference": described},
            console=Console(stderr=True),
        )
    rate = f"{100 * false_alarms:g}% false alarms"
    typer.echo(f"{found.num_outliers:,} of {len(found):,} rows are outliers at {rate}: {out / 'outliers.html'}")


@contextlib.contextmanager
def _naming(argument):
    """Context in which errors of the library about its data name the argument of the command."""
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(re.sub("`(name|x|X)`", f"`{argument}`", str(error))) from error
