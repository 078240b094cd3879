"""Decodes the same codes with LiteRT, a SavedModel, the C API, ONNX Runtime, PyTorch and Keras in turn.

    python benchmarks/inference.py                       # everything, about 8 minutes on 2 cores
    python benchmarks/inference.py --run runs/cvae       # a trained decoder: the speed is the same
    python benchmarks/inference.py --quick               # a few calls, to test the benchmark
    python benchmarks/inference.py --report              # writes the results into docs/performance.md too

The decoder belongs to the model of `keras-ae train cvae --dataset mnist`, in the exports of `keras-ae export`. Each
contestant is a separate process, which is stopped while another one decodes. Before the timing, its images are compared
with Keras' images. The order changes from round to round. Ratios are computed within a round, and medians over the
rounds. `pip install ".[onnx,peers]"` installs ONNX Runtime and PyTorch; the C API needs gcc.
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
    parser.add_argument("--run", type=Path, help="folder of a trained cvae on MNIST (default: untrained weights)")
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="some of %(default)s")
    parser.add_argument("--rounds", type=int, default=10, help="number of rounds (default 10)")
    parser.add_argument("--cores", type=int, default=min(2, cores()), help="cores for each contestant (default 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the JSON file; the picture is saved beside it")
    parser.add_argument("--quick", action="store_true", help="a few calls and 2 rounds, with meaningless results")
    parser.add_argument("--report", action="store_true", help="write the results into docs/performance.md")
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
        options = {"folder": folder, "cores": arguments.cores, "length": length}
        options["progress"] = lambda text: progress.update(bar, description=text)
        cases = []
        for rows in ROWS:
            cases.append(run_case(model, names, rows, **options))
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
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])  # for this process and its children
    with tempfile.TemporaryDirectory() as folder:
        try:
            results = run(arguments, console, Path(folder))
        except (ContestantError, WrongPictureError, ValueError) as error:
            console.print(str(error), style="red", markup=False)
            return 1
    show(results, console)
    save(results, arguments.out, picture, console)
    if arguments.report:
        report.put_inference(report.DOCUMENT, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
