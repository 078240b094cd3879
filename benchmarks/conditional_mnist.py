"""Trains and exports a conditional VAE on MNIST as in the README, and evaluates it with a separate classifier.

    python benchmarks/conditional_mnist.py              # prints the table, about 2 minutes on 2 cores
    python benchmarks/conditional_mnist.py --report     # writes it into docs/zoo.md too

The classifier is trained on the real training images, and 1,000 digits are generated, 100 per class. The seed is 0, and
the validation images select nothing. `--quality` evaluates the .tflite files: the Frechet distance of 1,000 samples to
the training images in the features of a classifier, and the accuracy of their labels.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from report import ROOT, replace
from side_by_side.machine import cores, machine, processors, versions
from typer.testing import CliRunner

QUANTIZE = {
    "none": "float32",
    "fp16": "`--quantize fp16`",
    "dynamic": "`--quantize dynamic`",
    "int8": "`--quantize int8`",
}


def keras_ae(*arguments):
    from keras_ae.cli.app import app

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exit_code:
        raise SystemExit(result.output)


def measure(folder, dataset, epochs):
    """Returns the rows of the table: [(name, text)]."""
    import keras_ae as kae

    run = folder / "cvae"
    keras_ae("train", "cvae", "--dataset", dataset, "--epochs", epochs, "--out", run)
    keras_ae("export", "saved-model", run, folder / "served")
    for quantize in QUANTIZE:
        keras_ae("export", "litert", run, folder / f"{quantize}.tflite", "--quantize", quantize, "--quality")
    summary = json.loads((run / "metrics.json").read_text())
    losses = summary["validation"]
    rows = [
        ("training", f"{epochs} epochs in {summary['seconds']:.0f} s, with compiling"),
        (
            "loss = kl + reconstruction",
            f"{losses['loss']:.2f} = {losses['kl']:.2f} + {losses['reconstruction']:.2f} nats on the validation images",
        ),
        ("SavedModel", described(folder / "served/1/assets.extra/card.json")),
        *(
            (f"TFLite, {name}", described(folder / f"{quantize}.tflite.card.json"))
            for quantize, name in QUANTIZE.items()
        ),
    ]
    classifier = kae.evaluate.train_classifier(*kae.datasets.load(dataset, "train"), epochs=3)
    accuracy = classifier.evaluate(*kae.datasets.load(dataset, "test"), verbose=0)[1]
    read = kae.evaluate.conditional_accuracy(kae.load(run / "model.keras"), classifier, num_per_class=100)
    print(read)
    found = f"{read.accuracy:.1%} are classified as requested, {np.min(read.per_class):.0%} of the worst class"
    judge = f"by a classifier with an accuracy of {accuracy:.1%} on the real test images"
    return [*rows, ("1,000 generated digits", f"{found}, {judge}")]


def described(path):
    """Returns size, error, latency and quality from a card as text."""
    card = json.loads(path.read_text())
    from keras_ae.export.verification.comparison import largest_error

    worst = largest_error(card["errors"])
    size, latency = card["bytes"]["total"] / 1000, card["latency"]["decode_us"]
    text = f"{size:,.0f} kB, differs from Keras by at most {worst:.1g}, a `decode` takes {latency:,.0f} us"
    if not card["quality"]:
        return text
    distance, accuracy = card["quality"]["frechet_distance"], card["quality"]["accuracy"]
    change = f"Frechet distance {100 * distance['change']:+.1f}%"
    labels = f"{accuracy['export']:.1%} of 1,000 classified as requested (Keras {accuracy['model']:.1%})"
    return f"{text}; {change}, {labels}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--report", action="store_true", help="write the table into docs/zoo.md")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), asked.dataset, asked.epochs)
    protocol = f"Seed 0; {processors(machine(cores()))}, no GPU; tensorflow {versions()['tensorflow']}."
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])
    print(f"{protocol}\n\n{table}")
    if asked.report:
        page = ROOT / "docs" / "zoo.md"
        page.write_text(replace(page.read_text(), "mnist", f"{protocol}\n\n{table}"))


if __name__ == "__main__":
    main()
