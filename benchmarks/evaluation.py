"""Evaluates models by every metric that applies, and puts the tables into docs/evaluation.md.

    python benchmarks/evaluation.py                     # all of it; continues where it was interrupted
    python benchmarks/evaluation.py --only comparison   # or disentanglement
    python benchmarks/evaluation.py --dataset digits --epochs 1 --strokes "train[:500]" --seeds 2 --folder small

Two tables: raw pixels, principal components and six models on MNIST, by all metrics; and five models on strokes, whose
factors are known, by the metrics of disentanglement, as means over five seeds. Every model is trained by `keras-ae
train` with Adam and batches of 128, and otherwise with defaults; AE and VQVAE, which have no prior, get a sampler. Each
step is a `keras-ae` command, which is printed, and continues what an interrupted one left.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import time

from report import ROOT, replace
from side_by_side.machine import cores, machine, processors

FOLDER = ROOT / "benchmarks" / "results" / "evaluation"
DOCUMENT = ROOT / "docs" / "evaluation.md"
COMPARISON = {
    "ae": ["--set", "sampler=gaussian_mixture"],
    "vae": [],
    "beta_vae": [],
    "gaussian_mixture_vae": [],
    "cvae": [],
    "vqvae": ["--set", "sampler=autoregressive"],
}
TRAINING = ("--optimizer", "adam", "--batch-size", 128)
DISENTANGLEMENT = ("vae", "beta_vae", "beta_tc_vae", "factor_vae", "dip_vae")


def call(*arguments):
    """Runs a command of keras-ae; a metric that failed (exit code 1 with a report) does not end the benchmark."""
    command = [str(argument) for argument in arguments]
    print(f"keras-ae {shlex.join(command)}", flush=True)
    return subprocess.run([sys.executable, "-m", "keras_ae", *command]).returncode


def train(path, name, *options):
    """Trains a run if it is not there, or continues it."""
    if path.exists():
        return
    partial = path.with_name(f"{path.name}.partial")
    code = (
        call("train", "--resume", path) if partial.exists() else call("train", name, *TRAINING, *options, "--out", path)
    )
    if code:
        raise SystemExit(f"{name} could not be trained.")


def evaluate(first, others, out, *options):
    """Evaluates runs side by side, or continues; returns the report."""
    from keras_ae.evaluate.report.store import read

    against = [argument for other in others for argument in ("--against", other)]
    started = time.perf_counter()
    call("evaluate", first, *against, *options, "--out", out, "--resume")
    print(f"{time.perf_counter() - started:.0f} s", flush=True)
    if not (out / "metrics.json").exists():
        raise SystemExit("There is no report.")
    return read(out / "metrics.json")


def comparison(arguments):
    """All metrics of six models, pixels and principal components."""
    folder = arguments.folder / arguments.dataset
    size = ["--dataset", arguments.dataset, "--epochs", arguments.epochs]
    for name, settings in COMPARISON.items():
        train(folder / name, name, *size, *settings)
    runs = [folder / name for name in COMPARISON]
    return evaluate(runs[1], [runs[0], *runs[2:], "pixels", "pca"], folder / "evaluation")


def disentanglement(arguments):
    """The metrics of disentanglement of five models on strokes, over seeds."""
    folder = arguments.folder / "strokes"
    size = ["--dataset", "strokes", "--split", arguments.strokes, "--epochs", arguments.epochs, "--latent-dim", 10]
    for name in DISENTANGLEMENT:
        train(folder / name, name, *size)
    runs = [folder / name for name in DISENTANGLEMENT]
    seeds = ["--seeds", arguments.seeds, "--metrics", "disentanglement"]
    return evaluate(runs[0], runs[1:], folder / "evaluation", *seeds)


def training_seconds(folder):
    """The time of all trainings below a folder."""
    files = folder.glob("**/config.json")
    return sum(json.loads((file.parent / "metrics.json").read_text())["seconds"] for file in files)


def section(report, folder, command):
    """A table with the command, the time and the machine beside it."""
    from keras_ae.evaluate.report.table import markdown

    data = report.data
    measured = sum(each.seconds for group in report.groups.values() for one in group for each in one.outcomes.values())
    kind = f"{processors(machine(cores()))}, no GPU"
    versions = ", ".join(f"{name} {version}" for name, version in report.record["versions"].items() if version)
    lines = [
        f"`{command}`: {training_seconds(folder) / 60:,.0f} minutes of training and {measured / 60:,.0f} of evaluation "
        f"on {kind}. {data['name']}, {data['split']}: {data['examples']:,} examples. {versions}.",
        "",
        markdown(report.subjects),
    ]
    failed = [f"- {name}: {why}" for name, why in report.failed.items()]
    return "\n".join([*lines, *(["", "Failed:", "", *failed] if failed else [])])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="mnist", help="data set of the comparison")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--strokes", default="train", help="training split of strokes")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=("comparison", "disentanglement"))
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--document", type=pathlib.Path, default=DOCUMENT)
    given = parser.parse_args(arguments)
    command = shlex.join(["python", "benchmarks/evaluation.py", *(sys.argv[1:] if arguments is None else arguments)])
    tables = {"comparison": (comparison, given.dataset), "disentanglement": (disentanglement, "strokes")}
    for name, (measure, folder) in tables.items():
        if given.only in (None, name):
            text = section(measure(given), given.folder / folder, command)
            given.document.write_text(replace(given.document.read_text(), name, text))
    print(given.document)


if __name__ == "__main__":
    main()
