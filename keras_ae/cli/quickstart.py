"""`keras-ae quickstart`."""

from pathlib import Path
from typing import Annotated

import typer

from keras_ae.cli import completion
from keras_ae.cli.shared_options import DownloadOption, SeedOption
from keras_ae.cli.startup import start_tensorflow
from keras_ae.run import check_new_folder


def quickstart(
    dataset: Annotated[
        str, typer.Option(help="A labeled image set: digits, mnist, ...", autocompletion=completion.datasets)
    ] = "digits",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("quickstart"),
    seed: SeedOption = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Number of epochs.", show_default="60 for digits, otherwise 10")
    ] = None,
    download: DownloadOption = False,
):
    """Train an AE, a VAE and a CVAE on handwritten digits, plot results, export and verify one, in about a minute."""
    from rich.console import Console

    check_new_folder(out, kind="quickstart")
    console = Console(highlight=False)
    console.print("Loading TensorFlow")
    start_tensorflow()
    from keras_ae import quickstart as library

    summary = library.run(out, dataset=dataset, seed=seed, epochs=epochs, download=download, console=console)
    _report(console, out, summary)


def _report(console, out, summary):
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("model", style="bold")
    for name in ("test loss", "kl", "reconstruction", "-log p(x)"):
        table.add_column(name, justify="right")
    table.add_column("run", overflow="fold")
    for name, model in summary["models"].items():
        test = model["test"]
        numbers = [test.get(key) for key in ("loss", "kl", "reconstruction")] + [model.get("negative_log_likelihood")]
        table.add_row(name, *("-" if n is None else f"{n:.2f}" for n in numbers), str(out / model["folder"]))
    console.print()
    console.print(table)
    console.print(f"in nats per example, on {summary['data']['test']:,} held-out test examples")
    sizes = summary["data"]["log_likelihood"]
    console.print(f"-log p(x): {sizes['samples']} importance samples for each of the first {sizes['test']:,}")
    if any(model["test"]["loss"] < 0 for model in summary["models"].values()):
        console.print("(negative if gray values have a density above 1)")
    console.print()
    for name, export in summary["exports"].items():
        size = f"{export['bytes']['total'] / 1000:,.0f} kB"
        verdict = "verified" if export["verified"] else "NOT verified"
        text = f"{name:11} {verdict}, largest error {export['largest_error']:.0g}, {size}: {out / export['path']}"
        console.print(text, soft_wrap=True)
    console.print(f"{'summary':11} {out / 'summary.json'} (took {summary['seconds']:.0f} s)\n", soft_wrap=True)
    console.print("What to try next:")
    for command in summary["next"]:
        console.print(f"  {command}", soft_wrap=True, style="bold")
