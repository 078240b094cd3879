"""`keras-ae train`."""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.settings import parse_settings
from keras_ae.cli.shared_options import DownloadOption, SeedOption, model_argument, part_option
from keras_ae.cli.source_names import check_model_name
from keras_ae.cli.startup import start_tensorflow
from keras_ae.run import Run
from keras_ae.run.config import DETECTOR, OPTIMIZERS


def train(
    ctx: typer.Context,
    model: model_argument("Short name of the model: see `keras-ae models`.") = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the run to.", show_default=False)] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Train the model of a recipe, in place of MODEL and its options: see `keras-ae presets`.",
            show_default=False,
            autocompletion=completion.recipes,
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Start from the weights of this run or preset:NAME, of a model with the same networks.",
            show_default=False,
            autocompletion=completion.runs,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Resume an interrupted run.",
            show_default=False,
            autocompletion=completion.unfinished_runs,
        ),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Name or path: see `keras-ae datasets`.", autocompletion=completion.datasets)
    ] = "digits",
    split: Annotated[str, typer.Option(help='Split in TFDS syntax, such as "train[:50%]".')] = "train",
    epochs: Annotated[int, typer.Option(min=1, help="Number of epochs.")] = 20,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Examples per step.",
            show_default="512 with muon, otherwise 128; 128 for little data or a long warm-up",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Initial learning rate, with cosine decay to 0.", show_default="0.02; 0.003 with adam"),
    ] = None,
    optimizer: Annotated[
        str,
        typer.Option(
            help="muon, which needs fewer epochs, or adam, whose steps take less time. auto takes adam for layers of "
            "more than 400 units and models with a discriminator, and otherwise muon.",
            autocompletion=completion.optimizers,
        ),
    ] = "auto",
    latent_dim: Annotated[
        int | None, typer.Option(min=1, help="Dimension of the code.", show_default="8 for cvae, otherwise 16")
    ] = None,
    encoder: part_option("encoder", "Encoder and decoder: mlp, gated_mlp, conv or resnet.", "mlp") = None,
    likelihood: part_option("likelihood", "Likelihood, such as normal.", "bernoulli") = None,
    prior: part_option("prior", "Prior, such as normal_mixture.", "standard_normal") = None,
    beta: Annotated[float | None, typer.Option(help="Weight of the KL.", show_default="1")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any argument of the model or of a part: prior=vamp, prior.components=500, encoder.hidden=300,300; "
            "with prior=mixed, prior.parts=normal_mixture,uniform_categorical and prior.parts.0.components=5. "
            "`keras-ae models MODEL` lists them.",
            show_default=False,
        ),
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="Properties, such as digit,slant.", show_default="for cvae, the label")
    ] = None,
    validation_fraction: Annotated[float, typer.Option(help="Fraction of the examples for validation.")] = 0.1,
    seed: SeedOption = 0,
    devices: Annotated[int, typer.Option(min=1, help="Number of GPUs, or virtual CPUs, to train on.")] = 1,
    local_steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="For workers of TF_CONFIG: steps that each takes alone before all average their weights.",
            show_default="gradients are summed in each step",
        ),
    ] = None,
    gradient_compression: Annotated[
        str | None,
        typer.Option(help="bfloat16 sums the gradients of devices and workers in 16 bits.", show_default="32 bits"),
    ] = None,
    snapshots: Annotated[
        bool,
        typer.Option("--snapshots", help="Store reconstructions during training, for `keras-ae explore RUN learning`."),
    ] = False,
    download: DownloadOption = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older run.")] = False,
):
    """Train a model on a data set, and write a run: config, model, history and figures.

    If training is interrupted, --resume RUN continues it, to the same weights as without the interruption. With
    TF_CONFIG, the process is one of several workers. Only the chief writes.
    """
    if resume is not None:
        _check_alone(ctx, "--resume", ("resume", "download"))
        return _resume(resume, download)
    if start_from is not None:
        Run.open(start_from).check_has_model()
    if recipe is not None:
        _check_alone(ctx, "--recipe", ("recipe", "out", "start_from", "seed", "devices", "download", "overwrite"))
        return _train_recipe(ctx, recipe, out, start_from, seed, devices, download, overwrite)
    if model is not None:
        check_model_name(model)
    if model is None or out is None:
        raise typer.BadParameter("give MODEL and --out, or --recipe and --out, or --resume RUN.")
    if optimizer not in OPTIMIZERS:
        raise typer.BadParameter(
            f"must be one of {', '.join(OPTIMIZERS)}. Received: {optimizer}", param_hint="--optimizer"
        )
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise typer.BadParameter(f"must be a positive number. Received: {learning_rate}", param_hint="--learning-rate")
    options = {"latent_dim": latent_dim, "likelihood": likelihood, "prior": prior, "beta": beta}
    chosen = parse_settings(settings or [], **options, encoder=encoder, decoder=encoder)
    names = [name.strip() for name in condition.split(",")] if condition else []
    config = {
        "model": {"name": model, **chosen},
        "data": {"name": dataset, "split": split, "validation_fraction": validation_fraction, "condition": names},
        "training": {
            "epochs": epochs,
            **({"batch_size": batch_size} if batch_size else {}),
            **({"learning_rate": learning_rate} if learning_rate else {}),
            "seed": seed,
            "devices": devices,
            **({"optimizer": optimizer} if optimizer != "adam" else {}),
            **({"local_steps": local_steps} if local_steps else {}),
            **({"gradient_compression": gradient_compression} if gradient_compression else {}),
            **({"snapshots": True} if snapshots else {}),
            **({"start_from": start_from} if start_from else {}),
        },
    }
    with _partial_run_reported(out), _new_run(out, config, overwrite) as run:
        summary = _train(run, out, config, download)
    _report(out, summary)


def _train_recipe(ctx, name, out, start_from, seed, devices, download, overwrite):
    from keras_ae.recipes import Recipe

    if out is None:
        raise typer.BadParameter("give a folder.", param_hint="--out")
    recipe = Recipe.open(name)
    given = ctx.get_parameter_source("seed").name == "COMMANDLINE"
    config = recipe.with_seed(seed) if given else recipe.with_seed(recipe.config["training"]["seed"])
    if start_from is not None and config["model"]["name"] == DETECTOR:
        raise typer.BadParameter(f"is for models. {name} is an outlier detector.", param_hint="--start-from")
    if start_from is not None:
        config["training"]["start_from"] = start_from
    elif "start_from" in config["training"]:
        source = config["training"]["start_from"]
        raise typer.BadParameter(
            f"{name} starts from a model of {source}: train that first, and give --start-from RUN. "
            f"`keras-ae reproduce {name}` does both.",
            param_hint="--recipe",
        )
    if devices > 1:
        config["training"]["devices"] = devices
    with _partial_run_reported(out), _new_run(out, config, overwrite) as run:
        summary = _train(run, out, config, download)
    _report(out, summary)


def _resume(out, download):
    partial = _partial(out)
    if not os.path.exists(partial):
        if not (out / "config.json").is_file():
            raise FileNotFoundError(
                f"There is nothing to resume at {out}: the folder {partial} of an interrupted run does not exist."
            )
        typer.echo(f"{out} is complete: there is nothing to resume.")
        return
    with _partial_run_reported(out), _scratch(Run.open(partial).recipe) or Run.resume(out) as run:
        summary = _train(run, out, run.recipe, download)
    _report(out, summary)


def _train(run, out, config, download):
    start_tensorflow()
    from keras_ae.run.training import train_from_config

    return train_from_config(run, config, backup=_partial(out) / "backup", download=download)


def _new_run(out, config, overwrite):
    return _scratch(config) or Run.create(out, config, overwrite=overwrite)


def _scratch(config):
    """Returns a temporary run for a worker that is not the chief; otherwise `None`."""
    from keras_ae.devices import cluster

    if cluster()[0] == 0:
        return None
    folder = Path(tempfile.mkdtemp(prefix="keras-ae-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Run.create(folder / "run", config)


def _check_alone(ctx, option, allowed):
    """Checks that an option that determines the training is given only with the allowed other options."""
    others = [each for each in ctx.command.params if each.name not in allowed]
    given = [each for each in others if ctx.get_parameter_source(each.name).name == "COMMANDLINE"]
    if given:
        names = ", ".join(each.opts[-1] if each.opts[-1].startswith("-") else "MODEL" for each in given)
        taken = ", ".join(f"--{name.replace('_', '-')}" for name in allowed[1:])
        raise typer.BadParameter(f"takes no other arguments except {taken}. Received: {names}", param_hint=option)


def _partial(out):
    return out.parent / f"{out.name}.partial"


@contextlib.contextmanager
def _partial_run_reported(out):
    partial = _partial(out)
    before = os.path.exists(partial)  # False, not an error, for an invalid name
    try:
        yield
    except FloatingPointError:  # a resume would fail again
        raise
    except BaseException:
        if os.path.exists(partial) and not before:
            typer.echo(f"The partial run is in {partial}: continue with `keras-ae train --resume {out}`.", err=True)
        raise


def _report(out, metrics):
    from rich.console import Console

    from keras_ae.training.progress import describe

    console = Console()
    for name in ("training", "validation"):
        if name in metrics:
            console.print(f"{name:10}  {describe(metrics[name])}", soft_wrap=True)
    speed = f", {metrics['examples_per_second']:,} examples/s" if "examples_per_second" in metrics else ""
    console.print(f"{'time':10}  {metrics['seconds']:.1f} s{speed}", soft_wrap=True)
    console.print(f"{'run':10}  {out} (model, history, figures)", soft_wrap=True, highlight=False)
