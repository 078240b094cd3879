"""`keras-ae serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of models: FOLDER/cvae/1, FOLDER/cvae/2, ...")
    ] = Path("exports/models"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="For gRPC.")] = 8500,
    rest_port: Annotated[int, typer.Option(min=1, max=65535, help="For REST.")] = 8501,
):
    """Serve exported models with tensorflow_model_server.

    If it is not on the PATH, print the command that runs its container, and exit with code 1.
    """
    from keras_ae import serving

    if serving.find_server() is not None:
        raise typer.Exit(serving.serve(folder, port=port, rest_port=rest_port))
    command = serving.container_command(folder, port=port, rest_port=rest_port)
    engine = serving.find_container_engine()
    needs = "" if engine else " It needs Docker or Podman, and neither is on the PATH."
    typer.echo(
        "Nothing is served, because tensorflow_model_server is not on the PATH. Run the official image with "
        f"the command below.{needs}",
        err=True,
    )
    typer.echo(command)
    raise typer.Exit(1)
