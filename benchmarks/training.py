"""Trains the same VAEs with keras_ae and with other libraries in turn, and compares their examples per second.

    python benchmarks/training.py                       # everything, about 25 minutes on 2 cores
    python benchmarks/training.py --only mlp-128 --rounds 9
    python benchmarks/training.py --only grid --out benchmarks/results/grid.json   # three widths x three batches
    python benchmarks/training.py --only bfloat16 --out benchmarks/results/bfloat16.json   # 16 and 32 bits
    python benchmarks/training.py --quick               # a few steps, to test the benchmark

Each contestant is a separate process, which is stopped while another one trains. The order changes from round to round.
Ratios are computed within a round, and medians over the rounds. `pip install ".[peers]"` installs PyTorch and Pythae.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from side_by_side.cases import GROUPS, all_cases, quick
from side_by_side.contest import TOLERANCE, DifferentProblemError, run_case, write_data
from side_by_side.contestants import CONTESTANTS
from side_by_side.machine import BUSY, cores, machine, versions
from side_by_side.matmul import LIBRARIES
from side_by_side.picture import picture
from side_by_side.process import run_module
from side_by_side.showing import save
from side_by_side.stopped_process import ContestantError
from side_by_side.tables import matrix_line, show

SEPARATE = ("grid", "bfloat16")  # have separate sections in docs/performance.md
RESULTS = Path(__file__).parent / "results" / "training.json"


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = tuple(group for group in GROUPS if group not in SEPARATE)
    cases = f"cases: {','.join(GROUPS)} (default: all but {' and '.join(SEPARATE)})"
    parser.add_argument("--only", type=names(GROUPS), default=usual, help=cases)
    choice = names(CONTESTANTS)
    parser.add_argument("--contestants", type=choice, default=tuple(CONTESTANTS), help=",".join(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (default 5)")
    parser.add_argument("--cores", type=int, default=min(2, cores()), help="cores for each contestant (default 2)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the JSON file; the picture goes beside it")
    parser.add_argument("--quick", action="store_true", help="a few steps and 2 rounds, with meaningless results")
    return parser.parse_args(arguments)


def names(known):
    """Returns a type for argparse: comma-separated names from a list."""

    def parse_names(text):
        given = tuple(name.strip() for name in text.split(","))
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return given

    return parse_names


def chosen_cases(arguments, console):
    """Yields the cases with the chosen and installed contestants."""
    missing = [c for c in CONTESTANTS.values() if c.name in arguments.contestants and not c.is_installed]
    for contestant in missing:
        console.print(
            f'{contestant.label} is omitted because it is not installed: pip install ".[peers]"', markup=False
        )
    taken = [name for name in arguments.contestants if CONTESTANTS[name] not in missing]
    for case in all_cases():
        present = tuple(name for name in case.contestants if name in taken)
        if case.group in arguments.only and present:
            case = dataclasses.replace(case, contestants=present)
            yield quick(case) if arguments.quick else case


def matrix_products(cases, num_cores, seconds):
    """Measures the best matrix product of NumPy and of each participating library."""
    taking_part = {"numpy", *(CONTESTANTS[name].library for case in cases for name in case.contestants)}
    measured = [run_module("matmul", name, seconds, cores=num_cores) for name in LIBRARIES if name in taking_part]
    return {"best_gflops": max(row["gflops"] for row in measured), "measured": measured}


def run(arguments, console, folder):
    cases = list(chosen_cases(arguments, console))
    rounds = 2 if arguments.quick else arguments.rounds
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"The machine is busy (load {load:.1f}): speeds will be low, and ratios uncertain.")
    product = matrix_products(cases, arguments.cores, 0.5 if arguments.quick else 5.0)
    console.print(matrix_line({"matrix_product": product}))
    data = write_data(folder / "data.npy", max(case.task.num_examples for case in cases))
    measured = []
    columns = [TextColumn("{task.description}"), BarColumn(16), TextColumn("{task.completed}/{task.total}")]
    with Progress(*columns, TimeElapsedColumn(), console=console, refresh_per_second=1) as progress:
        bar = progress.add_task("", total=len(cases))
        for case in cases:
            options = {"data": data, "cores": arguments.cores, "rounds": rounds}
            # In the first steps, the losses decrease so fast that they differ.
            options["tolerance"] = 0.2 if arguments.quick else TOLERANCE
            options["progress"] = lambda text: progress.update(bar, description=text)
            measured.append(run_case(case, **options))
            progress.advance(bar)
    return {
        "rounds": rounds,
        "quick": arguments.quick,
        "machine": machine(arguments.cores),
        "load": load,
        "versions": versions(),
        "matrix_product": product,
        "cases": measured,
    }


def main(arguments=None):
    arguments, console = parse(arguments), Console()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])  # for this process and its children
    with tempfile.TemporaryDirectory() as folder:
        try:
            results = run(arguments, console, Path(folder))
        except (ContestantError, DifferentProblemError) as error:
            console.print(str(error), style="red", markup=False)
            return 1
    show(results, console)
    save(results, arguments.out, picture, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
