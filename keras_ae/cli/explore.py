"""`keras-ae explore`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_ae.cli.arguments import DownloadOption, RunArgument


def explore(
    run: RunArgument,
    kind: Annotated[
        Literal["training", "reconstructions", "map", "samples", "samples_by_condition", "manifold"] | None,
        typer.Argument(metavar="KIND", help="The figure to draw.", show_default="all that suit the model"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File of a figure (.png, .pdf or .svg), or without KIND the folder of all figures.",
            show_default="RUN/explore/KIND.png",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help='Split to draw, in TFDS syntax, such as "test[:1000]".',
            show_default="test, or else what was held out for validation",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of samples.")] = 0,
    download: DownloadOption = False,
):
    """Draw the model of a run: training, reconstructions, a map of the codes, samples, the latent plane."""
    from keras_ae.run import Run

    opened = Run.open(run)
    out = out or run / "explore" / (f"{kind}.png" if kind else "")
    if kind and out.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise typer.BadParameter(f"must end in .png, .pdf or .svg. Received: {out}", param_hint="--out")
    from keras_ae.cli.startup import start_tensorflow

    start_tensorflow()
    from keras_ae.explore import gallery, save
    from keras_ae.run.evaluation_data import EvaluationData
    from keras_ae.run.examples import label_name

    model, recipe = opened.model(), opened.recipe
    names = recipe["data"]["condition"]
    data = EvaluationData.load(recipe, split, download=download)
    condition = None if model.condition is None else data.condition(names, str(run))
    options = {"label_name": label_name(data.name), "condition_name": ", ".join(names) or "condition", "seed": seed}
    kinds = [kind] if kind else None
    figures = gallery(model, opened.history, data.x, data.labels, condition, **options, kinds=kinds)
    for name, figure in figures.items():
        typer.echo(save(figure, out if kind else out / f"{name}.png"))
