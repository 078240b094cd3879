"""`keras-ae serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Holds the models: FOLDER/cvae/1, FOLDER/cvae/2, ...")
    ] = Path("exports/models"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="For gRPC.")] = 8500,
    rest_port: Annotated[int, typer.Option(min=1, max=65535, help="For REST.")] = 8501,
):
    """Serve exported models: run tensorflow_model_server, or print the command of its container."""
    from keras_ae import serving

    if serving.find_server() is not None:
        raise typer.Exit(serving.serve(folder, port=port, rest_port=rest_port))
    command = serving.container_command(folder, port=port, rest_port=rest_port)
    typer.echo("There is no tensorflow_model_server on the PATH. The official image serves the models:", err=True)
    typer.echo(command)
