"""`keras-ae explore`."""

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_ae.cli import completion
from keras_ae.cli.export import input_notes
from keras_ae.cli.shared_options import DownloadOption, PresetOption

Kind = Literal[
    "training", "reconstructions", "map", "samples", "samples_by_condition", "manifold", "map_density",
    "map_unlabeled", "map_thumbnails", "traversal", "interpolation", "attributes", "sweep", "planes", "sources",
    "outlier_scores", "outliers", "clusters", "contrast", "bands", "parallel", "pairs", "learning", "volumes",
]  # fmt: skip


def explore(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="Folder that `keras-ae train` wrote.", autocompletion=completion.runs),
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Argument(metavar="KIND", help="The figure to draw.", show_default="all that suit the model"),
    ] = None,
    preset: PresetOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File of the figure (.png, .pdf or .svg), or folder of the page or of all figures.",
            show_default="RUN/explore/KIND.png, RUN/explore or RUN/explore/page",
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Write a page to play with in a browser, instead of figures.")
    ] = False,
    install_page: Annotated[
        bool, typer.Option("--install-page", help="First install the libraries of the page in the cache, with npm.")
    ] = False,
    split: Annotated[
        str | None,
        typer.Option(
            help='Split to draw, in TFDS syntax, such as "test[:1000]".',
            show_default="for figures, test or what was held out for validation; for a page, the training split",
        ),
    ] = None,
    projection: Annotated[
        Literal["auto", "pca", "tsne", "umap", "autoencoder"],
        typer.Option(help="How maps show codes of more than two dimensions; auto is pca.", show_default=True),
    ] = "auto",
    theme: Annotated[Literal["light", "dark"], typer.Option(help="Background and text color of figures.")] = "light",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of samples.")] = 0,
    download: DownloadOption = False,
):
    """Draw the model of a run (training, codes, samples, outliers, clusters ...), or write a page to play with.

    The page has a map of the codes that decodes the code under the pointer, sliders, paths, samples, and your own
    images, and runs offline. `keras-ae explore --install-page` downloads its JavaScript libraries.
    """
    if install_page:
        from keras_ae.cli.startup import start_tensorflow

        start_tensorflow()  # the package `keras_ae.explore` imports it
        from keras_ae.explore.page import libraries

        typer.echo(f"The libraries of the page are in {libraries.install()}")
    if run is None:
        if install_page:
            return
        raise typer.BadParameter("name the folder of a run.", param_hint="RUN")
    from keras_ae.run import Run

    opened = Run.open(run)
    if live and kind:
        raise typer.BadParameter(
            f"writes a page instead of a figure: leave out {kind}. The folder of the page is --out.",
            param_hint="--live",
        )
    out = out or opened.outputs / "explore" / ("page" if live else f"{kind}.png" if kind else "")
    if kind and out.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise typer.BadParameter(f"must end in .png, .pdf or .svg. Received: {out}", param_hint="--out")
    from keras_ae.cli.startup import start_tensorflow

    start_tensorflow()
    from keras_ae.run.evaluation_data import EvaluationData

    model, recipe = opened.model(), opened.recipe
    data = EvaluationData.load(recipe, split or (recipe["data"]["split"] if live else None), download=download)
    condition = None if model.condition is None else data.condition(recipe["data"]["condition"], str(run))
    if live:
        _write_page(opened, model, data, condition, out, seed)
    else:
        _draw(opened, model, data, condition, kind, out, seed, theme, projection, download)


def _draw(run, model, data, condition, kind, out, seed, theme, projection, download):
    from keras_ae.callbacks import read_snapshots
    from keras_ae.datasets.chunks import columns_of
    from keras_ae.explore import gallery, save, themed
    from keras_ae.run.examples import label_name, load_examples

    names = run.recipe["data"]["condition"]
    options = {"label_name": label_name(data.name), "condition_name": ", ".join(names) or "condition", "seed": seed}
    recipe = run.recipe
    units = {name: note["unit"] for name, note in input_notes(run, model).items() if "unit" in note}
    options |= {"columns": columns_of(data.name), "units": units, "projection": projection, "verbose": 1}
    if kind in (None, "sources", "manifold", "planes"):
        examples, _, _ = load_examples(type(model), recipe["data"], download=download)
        learned, _ = examples.split(recipe["data"]["validation_fraction"], recipe["training"]["seed"])
        learned = learned.known(model.condition)
        options["training"] = learned.x, learned.condition
    if run.snapshots.is_dir():
        options["snapshots"] = read_snapshots(run.snapshots)
    elif kind == "learning":
        raise FileNotFoundError(f"{run.path} has no snapshots: train with `keras-ae train --snapshots`.")
    kinds = [kind] if kind else None
    history = run.history if kind in (None, "training") else {}
    figures = gallery(model, history, data.x, data.labels, condition, **options, kinds=kinds)
    for name, figure in figures.items():
        typer.echo(save(themed(figure, theme), out if kind else out / f"{name}.png"))
    if "learning" in figures:
        typer.echo(run.snapshots / "snapshots.gif")


def _write_page(run, model, data, condition, out, seed):
    import numpy as np

    from keras_ae import datasets
    from keras_ae.datasets.chunks import columns_of
    from keras_ae.explore import live
    from keras_ae.run.examples import label_name

    properties = {name: np.asarray(values) for name, values in data.properties.items()}
    labels = {name: values for name, values in properties.items() if values.ndim == 1}
    name, classes = label_name(data.name), np.asarray(datasets.info(data.name).class_names)
    if name in labels and len(classes) and labels[name].min() >= 0:
        labels[name] = classes[labels[name]]
    options = {"names": columns_of(data.name), "notes": input_notes(run, model), "seed": seed}
    live(model, data.x, labels, condition, out=out, **options)
    typer.echo(f"The page is in {out}. Serve it, and open http://127.0.0.1:8000/ in a browser:")
    typer.echo(f"python -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(out))} 8000")
