"""`keras-ae evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.settings import parse_settings
from keras_ae.cli.shared_options import DownloadOption, PresetOption, RunArgument
from keras_ae.cli.startup import start_tensorflow
from keras_ae.run import Run

_REPRESENTATIONS = ("pixels", "pca")


def evaluate(
    run: RunArgument,
    preset: PresetOption = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUN",
            help="Another run to compare with, or preset:NAME, pixels or pca. Repeat it for several.",
            show_default=False,
            autocompletion=completion.runs,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Names of metrics or families, such as likelihood,clustering.", show_default="all that apply"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="METRIC.OPTION=VALUE",
            help="An option of a metric, such as log_likelihood.num_samples=5000.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help='Split to evaluate on, in TFDS syntax, such as "test[:1000]".',
            show_default="test, or else what was held out for validation",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Train each recipe with this many seeds, and report means over them.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of samples and of random splits.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write.", show_default="RUN/evaluation; with --seeds, RUN-seeds/evaluation"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted evaluation in the folder.")] = False,
    download: DownloadOption = False,
):
    """Evaluate a run with all metrics that apply, and compare it with others: a table, metrics.json and an HTML page.

    The data set is RUN's: its test split, with its training split for comparison. Metrics that do not apply are
    left out, with the reason. If a metric fails, the others are measured all the same, and the exit code is 1.
    """
    opened = _named([Run.open(run), *(Run.open(each) for each in against or () if each not in _REPRESENTATIONS)])
    for each in opened.values():
        each.check_has_model()
    if out is None:
        first = next(iter(opened.values()))
        out = (first.outputs if seeds == 1 else _seeds_folder(first)) / "evaluation"
    start_tensorflow()
    from rich.console import Console

    from keras_ae.evaluate.metric import chosen
    from keras_ae.evaluate.report import evaluate as evaluate_subjects
    from keras_ae.evaluate.report.measuring import check_options
    from keras_ae.evaluate.report.store import Store

    names = [name.strip() for name in metrics.split(",")] if metrics else None
    options = _options(settings or [])
    chosen(names), check_options(options), Store(out, resume=resume)  # before a model is trained
    runs = {name: _with_seeds(each, seeds, download) for name, each in opened.items()}
    groups, data = _subjects(runs, against or [], split, seed, download)
    reference = f"{opened[next(iter(opened))].recipe['data']['split']}, without validation"
    found = evaluate_subjects(
        groups,
        metrics=names,
        options=options,
        out=out,
        resume=resume,
        console=Console(),
        data={"name": data.name, "split": data.split, "reference_split": reference},
    )
    if found.failed:
        raise typer.Exit(1)


def _named(runs):
    """Returns {name: run}: the names of folders, or their paths where names are equal."""
    names = [run.name for run in runs]
    found = {name if names.count(name) == 1 else str(run.path): run for name, run in zip(names, runs, strict=True)}
    if len(found) < len(runs):
        raise typer.BadParameter("must be another run than RUN, each once.", param_hint="--against")
    return found


def _options(settings):
    """Returns {metric: {option: value}} of "metric.option=value"."""
    found = {}
    for name, value in parse_settings(settings).items():
        metric, _, option = name.partition(".")
        if not option:
            raise typer.BadParameter(
                f"must be METRIC.OPTION=VALUE, such as log_likelihood.num_samples=5000. Received: {name}",
                param_hint="--set",
            )
        found.setdefault(metric, {})[option] = value
    return found


def _seeds_folder(run):
    return run.outputs.with_name(f"{run.name}-seeds")


def _with_seeds(run, seeds, download):
    """Returns the run and the runs of its recipe with the next seeds, which are trained where they are missing."""
    from keras_ae.run.training import trained_run

    found, recipe = [run], run.recipe
    for seed in range(recipe["training"]["seed"] + 1, recipe["training"]["seed"] + seeds):
        config = {name: dict(recipe[name]) for name in ("model", "data", "training")}
        config["training"]["seed"] = seed
        found.append(trained_run(_seeds_folder(run) / f"seed-{seed}", config, download=download))
    return found


def _subjects(runs, against, split, seed, download):
    """Returns {name: subjects}, the run first and then in the order of `against`, and their data."""
    from keras_ae.evaluate import Subject
    from keras_ae.evaluate.report.baselines import REPRESENTATIONS
    from keras_ae.run.evaluation_data import EvaluationData

    first = next(iter(runs.values()))[0]
    data = EvaluationData.load(first.recipe, split, download=download)
    groups = {}
    for name, of_recipe in runs.items():
        groups[name] = []
        for run in of_recipe:
            label = name if len(of_recipe) == 1 else f"{name}, seed {run.recipe['training']['seed']}"
            groups[name].append(data.subject(run.model(), run.recipe["data"]["condition"], name=label, seed=seed))
    main = next(iter(groups.values()))[0]
    for name in dict.fromkeys(each for each in against if each in _REPRESENTATIONS):
        given = {"labels": data.labels, "factors": data.factors, "reference": data.reference, "seed": seed}
        groups[name] = [Subject(REPRESENTATIONS[name](main), data.x, name=name, **given)]
    return groups, data
