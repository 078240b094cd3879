"""`keras-ae train`."""

import contextlib
import enum
from pathlib import Path
from typing import Annotated

import typer


class Network(str, enum.Enum):
    """Encoder and decoder."""

    mlp = "mlp"
    conv = "conv"


def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Its short name: see `keras-ae models`.")],
    out: Annotated[Path, typer.Option(help="Folder to write the run to.", show_default=False)],
    dataset: Annotated[str, typer.Option(help="Name or path: see `keras-ae datasets`.")] = "digits",
    split: Annotated[str, typer.Option(help='In the syntax of TFDS, such as "train[:50%]".')] = "train",
    epochs: Annotated[int, typer.Option(min=1, help="Times through the examples.")] = 20,
    batch_size: Annotated[int, typer.Option(min=1, help="Examples a step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Of Adam at the start; it falls to 0.")] = 3e-3,
    latent_dim: Annotated[
        int | None, typer.Option(min=1, help="Numbers in a code.", show_default="8 for cvae, else 16")
    ] = None,
    encoder: Annotated[Network, typer.Option(help="Encoder and decoder.")] = Network.mlp,
    likelihood: Annotated[
        str | None, typer.Option(help="bernoulli, continuous_bernoulli or normal.", show_default="bernoulli")
    ] = None,
    prior: Annotated[str | None, typer.Option(help="Such as normal_mixture.", show_default="standard_normal")] = None,
    beta: Annotated[float | None, typer.Option(help="Weight of the rate.", show_default="1")] = None,
    condition: Annotated[
        str | None, typer.Option(help="Properties, such as digit,slant.", show_default="for cvae, the label")
    ] = None,
    validation_fraction: Annotated[float, typer.Option(help="Part of the examples to keep for validation.")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Weights, order and noise are drawn from it.")] = 0,
    download: Annotated[bool, typer.Option("--download", help="Let TFDS download the data set.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older run.")] = False,
):
    """Train a model on a data set, and leave a run: config, model, history and figures."""
    if not 0 < learning_rate < float("inf"):
        raise typer.BadParameter(f"must be a positive number. Received: {learning_rate}", param_hint="--learning-rate")
    from keras_ae.run import Run

    options = {"latent_dim": latent_dim, "likelihood": likelihood, "prior": prior, "beta": beta}
    options = {name: value for name, value in options.items() if value is not None}
    names = [name.strip() for name in condition.split(",")] if condition else []
    config = {
        "model": {"name": model, "network": encoder.value, **options},
        "data": {"name": dataset, "split": split, "validation_fraction": validation_fraction, "condition": names},
        "training": {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed},
    }
    with _telling_what_is_left(out), Run.create(out, config, overwrite=overwrite) as run:
        from keras_ae.cli.recipe import train_from_config

        summary = train_from_config(run, config, download=download)
    _report(out, summary)


@contextlib.contextmanager
def _telling_what_is_left(out):
    partial = out.parent / f"{out.name}.partial"
    before = partial.exists()
    try:
        yield
    except BaseException:
        if partial.exists() and not before:
            typer.echo(f"What was trained so far is in {partial}.", err=True)
        raise


def _report(out, metrics):
    from rich.console import Console

    from keras_ae.training.progress import describe

    console = Console()
    for name in ("training", "validation"):
        if name in metrics:
            console.print(f"{name:10}  {describe(metrics[name])}", soft_wrap=True)
    speed = f"{metrics['examples_per_second']:,} examples/s"
    console.print(f"{'time':10}  {metrics['seconds']:.1f} s, {speed}", soft_wrap=True)
    console.print(f"{'run':10}  {out} (model, history, figures)", soft_wrap=True, highlight=False)
