"""Times whole processes: imports, construction, compilation and the first epochs of the same VAE.

    pip install ".[peers]"
    python benchmarks/start_up.py            # prints the table, about five minutes on 2 cores
    python benchmarks/start_up.py --report   # writes it into docs/performance.md too

A VAE 784-200-200-16, batches of 128, 59,904 rows of uniform noise, in keras_ae, in Keras alone (`fit` with a custom
`train_step`) and in PyTorch (a custom loop). Each measurement is a new process, from its start to the end of its last
epoch. The processes of a round take turns; the table has the medians over the rounds, and the medians of the ratios.
"""

import argparse
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
import time

from report import ROOT, replace
from side_by_side.machine import cores, machine, processors, versions
from side_by_side.task import PIXELS, Task

CONTESTANTS = {
    "keras_ae": ("keras_ae_fit", {}),
    "Keras fit": ("keras_fit", {"jit_compile": False}),
    "PyTorch eager": ("torch_loop", {"compile": False}),
}
EPOCHS = (1, 10)
NUM_EXAMPLES = 59_904


class LastEpoch:
    """Ends the process after some epochs: a referee for one contestant."""

    def __init__(self, epochs):
        self.left = epochs

    def starts(self):
        pass

    def epoch_ended(self, loss):
        self.left -= 1
        if not self.left:
            os._exit(0)


def train(name, epochs, num_examples):
    """Trains a contestant in this process, and ends the process."""
    import numpy as np

    module, options = CONTESTANTS[name]
    x = np.random.default_rng(0).random((num_examples, PIXELS), dtype=np.float32)
    run = importlib.import_module(f"side_by_side.contestants.{module}").run
    run(Task("start", num_examples=num_examples), x, LastEpoch(epochs), options)


def seconds(name, epochs, num_examples=NUM_EXAMPLES):
    """Returns how long the process of a contestant takes."""
    options = ["--run", name, "--epochs", str(epochs), "--examples", str(num_examples)]
    started = time.perf_counter()
    subprocess.run([sys.executable, __file__, *options], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def table(found):
    """Returns {(name, epochs): [seconds of each round]} as Markdown."""
    lines = ["| Contestant | Epochs | Seconds | keras_ae takes |", "|---|---:|---:|---:|"]
    for (name, epochs), rounds in found.items():
        ratios = [ours / other for ours, other in zip(found["keras_ae", epochs], rounds, strict=True)]
        ratio = "" if name == "keras_ae" else f"{statistics.median(ratios):.2f} x"
        lines.append(f"| {name} | {epochs} | {statistics.median(rounds):.1f} | {ratio} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--run", choices=CONTESTANTS, help="train this contestant in this process")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of --run")
    parser.add_argument("--examples", type=int, default=NUM_EXAMPLES, help="examples per epoch, a multiple of 128")
    given = parser.parse_args()
    if given.run:
        train(given.run, given.epochs, given.examples)
    names = [name for name in CONTESTANTS if name != "PyTorch eager" or importlib.util.find_spec("torch")]
    found = {(name, epochs): [] for epochs in EPOCHS for name in names}
    for _ in range(given.rounds):
        for (name, epochs), rounds in found.items():
            rounds.append(seconds(name, epochs, given.examples))
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    text = f"{given.rounds} rounds on {processors(machine(cores()))}, no GPU; {packages}.\n\n{table(found)}"
    print(text)
    if given.report:
        document = ROOT / "docs" / "performance.md"
        document.write_text(replace(document.read_text(), "start", text))


if __name__ == "__main__":
    main()
