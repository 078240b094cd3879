"""Decodes the same codes by LiteRT, a SavedModel, the C API, ONNX Runtime, PyTorch and Keras, in turn, and compares.

    python benchmarks/inference.py                       # everything, about 8 minutes on 2 cores
    python benchmarks/inference.py --run runs/cvae       # a trained decoder: the speed is the same
    python benchmarks/inference.py --quick               # a few calls: to see that everything works
    python benchmarks/inference.py --report              # and puts the results into docs/performance.md

The decoder is that of `keras-ae train cvae --dataset mnist`, exported as `keras-ae export` does it. Each contestant
lives in a process of its own, which is stopped while another one decodes; its pictures are compared with those of Keras
before it is timed. The order changes from round to round, ratios are taken within a round, and medians over the rounds.
ONNX Runtime and PyTorch come with `pip install ".[onnx,peers]"`, the C API needs gcc.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import report
from decoding.contest import Length, WrongPictureError, run_case
from decoding.contestants import CONTESTANTS, left_out
from decoding.picture import picture
from decoding.subject import SEED, default_model, describe, trained_model
from decoding.tables import show
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from side_by_side.machine import BUSY, cores, machine, versions
from side_by_side.showing import save
from side_by_side.stopped_process import ContestantError

PACKAGES = ("keras_ae", "tensorflow", "keras", "numpy", "ai-edge-litert", "onnxruntime", "torch")
RESULTS = report.RESULTS / "inference.json"
ROWS = (1, 256)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="folder of a trained cvae on MNIST (default: weights not trained)")
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="some of %(default)s")
    parser.add_argument("--rounds", type=int, default=10, help="how often everyone has a turn (default 10)")
    parser.add_argument("--cores", type=int, default=min(2, cores()), help="cores for everyone (default 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the picture goes beside it")
    parser.add_argument("--quick", action="store_true", help="a few calls and 2 rounds: figures without meaning")
    parser.add_argument("--report", action="store_true", help="put the results into docs/performance.md")
    asked = parser.parse_args(arguments)
    asked.contestants = asked.contestants.split(",")
    unknown = [name for name in asked.contestants if name not in CONTESTANTS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(CONTESTANTS)}")
    return asked


def run(arguments, console, folder):
    reasons = {name: left_out(CONTESTANTS[name].runner) for name in arguments.contestants}
    names = [name for name, reason in reasons.items() if reason is None]
    length = Length(2, seconds=0.0, fewest=3) if arguments.quick else Length(arguments.rounds)
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"The machine is busy (load {load:.1f}): times will be long, and ratios uncertain.")
    model = default_model() if arguments.run is None else trained_model(arguments.run)
    columns = [TextColumn("{task.description}"), BarColumn(16), TimeElapsedColumn()]
    with Progress(*columns, console=console, refresh_per_second=1) as progress:
        bar = progress.add_task("", total=len(ROWS))
        told = lambda text: progress.update(bar, description=text)  # noqa: E731
        cases = []
        for rows in ROWS:
            shared = {"folder": folder, "cores": arguments.cores, "length": length, "told": told}
            cases.append(run_case(model, names, rows, **shared))
            progress.advance(bar)
    missing = [{"label": CONTESTANTS[name].label, "reason": reason} for name, reason in reasons.items() if reason]
    return {
        "rounds": length.rounds,
        "quick": arguments.quick,
        "seed": SEED,
        "weights": None if arguments.run is None else arguments.run.name,
        "model": describe(model),
        "machine": machine(arguments.cores),
        "load": load,
        "versions": versions(PACKAGES),
        "left_out": missing,
        "cases": cases,
    }


def main(arguments=None):
    arguments, console = parse(arguments), Console()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])  # of this process and of all to come
    with tempfile.TemporaryDirectory() as folder:
        try:
            results = run(arguments, console, Path(folder))
        except (ContestantError, WrongPictureError, ValueError) as error:
            console.print(str(error), style="red", markup=False)
            return 1
    show(results, console)
    save(results, arguments.out, picture(results), console)
    if arguments.report:
        report.put_inference(report.DOCUMENT, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
