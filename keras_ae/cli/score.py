"""`keras-ae score`."""

import os
import sys
from typing import Annotated, Literal

import typer

from keras_ae.cli import completion


def score(
    export: Annotated[
        str,
        typer.Argument(
            metavar="EXPORT", help="SavedModel, such as exports/models/vae/1.", autocompletion=completion.paths
        ),
    ],
    input: Annotated[
        str, typer.Argument(metavar="INPUT", help="Parquet, CSV, TFRecord or image files, such as 'data/*.parquet'.")
    ],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="Folder to write the shards to.")],
    method: Annotated[
        Literal["score", "outliers", "encode", "reconstruct", "generate"], typer.Option(help="What to compute.")
    ] = "score",
    format: Annotated[Literal["parquet", "tfrecord"], typer.Option(help="Format of the shards.")] = "parquet",
    false_alarms: Annotated[
        float,
        typer.Option(help="With --method outliers, the largest probability that a usual row is called an outlier."),
    ] = 0.01,
    batch_size: Annotated[int, typer.Option(min=1, help="Maximum number of rows per batch.")] = 1024,
    runner: Annotated[
        Literal["DirectRunner", "FlinkRunner", "SparkRunner", "DataflowRunner"],
        typer.Option(help="Where Apache Beam runs: on this machine or on a cluster."),
    ] = "DirectRunner",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--beam-option", metavar="NAME=VALUE", help="Option of Beam or the runner, repeatable.", show_default=False
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output of another job.")] = False,
):
    """Apply an exported model to the rows of files with Apache Beam, on this machine or on a cluster.

    Repeat the command to continue an interrupted run. Rows that cannot be read, or that the model refuses, are
    listed in OUTPUT/rejected with the reason. Needs the extra: pip install 'keras_ae[beam]'.
    """
    if not 0 < false_alarms < 1:
        raise typer.BadParameter(f"must be in (0, 1). Received: {false_alarms}", param_hint="--false-alarms")
    if "--debug" not in sys.argv[1:]:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # also of the workers
    from keras_ae.beam import process_files

    what = {"method": method, "format": format, "false_alarms": false_alarms, "batch_size": batch_size}
    counts = process_files(export, input, output, runner=runner, options=options or (), overwrite=overwrite, **what)
    typer.echo("{read:,} rows read = {written:,} written + {rejected:,} rejected".format(**counts))
    if method == "outliers":
        typer.echo(f"{counts['outliers']:,} outliers at {100 * false_alarms:g}% false alarms")
    typer.echo(f"{counts['shards']:,} shards, {counts['new_shards']:,} of this run: {output}")
    if counts["rejected"]:
        typer.echo(f"The reasons are in {output}/rejected")
