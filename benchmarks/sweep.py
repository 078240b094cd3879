"""Trains many small VAEs of one shape in one process, as a sweep over settings does: seconds and memory per model.

    python benchmarks/sweep.py            # prints the table, about ten minutes on 2 cores
    python benchmarks/sweep.py --report   # writes it into docs/performance.md too

A VAE 784-64-64-8, one epoch of 2,560 rows of uniform noise in batches of 128, in keras_ae and in Keras alone (`fit`
with a custom `train_step`, with XLA and without). Each contestant is a separate process. It either drops a model after
its training, or keeps all. The table has the seconds of the first model, the median of the others, and how much
resident memory each model adds, from the eleventh on. Linux only.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time

from report import ROOT, replace
from side_by_side.machine import cores, machine, processors, versions
from side_by_side.task import PIXELS, Task

CONTESTANTS = ("keras_ae", "Keras fit", "Keras fit, jit")
UNITS, DIM, NUM_EXAMPLES, BATCH_SIZE, WARM = 64, 8, 2560, 128, 10


def make(name):
    """Returns a compiled model."""
    import keras

    if name == "keras_ae":
        import keras_ae as kae

        networks = (kae.networks.MLP([UNITS, UNITS]), kae.networks.MLP([UNITS, UNITS]))
        model = kae.models.VAE(*networks, latent_dim=DIM)
        model.compile(keras.optimizers.Adam(1e-3))
        return model
    from side_by_side.contestants.keras_fit import VAE

    model = VAE(Task("sweep", hidden=(UNITS, UNITS), latent_dim=DIM, batch_size=BATCH_SIZE, num_examples=NUM_EXAMPLES))
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=name.endswith("jit"))
    return model


def resident():
    """Returns the resident memory of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(name, models, keep):
    """Trains models in this process: the seconds of each, and the memory that each adds."""
    import numpy as np

    x = np.random.default_rng(0).random((NUM_EXAMPLES, PIXELS), dtype=np.float32)
    seconds, memory, kept = [], [], []
    for _ in range(models):
        started = time.perf_counter()
        model = make(name)
        model.fit(x, batch_size=BATCH_SIZE, epochs=1, verbose=0)
        seconds.append(time.perf_counter() - started)
        kept.append(model if keep else None)
        del model
        gc.collect()
        memory.append(resident())
    warm = min(WARM, models // 2)
    return {
        "first": seconds[0],
        "others": statistics.median(seconds[1:]),
        "memory": (memory[-1] - memory[warm]) / (models - 1 - warm),
    }


def table(found):
    lines = [
        "| Contestant | Models | First model, s | Each other model, s | Memory of each model, MB |",
        "|---|---|---:|---:|---:|",
    ]
    for (name, keep), each in found.items():
        cells = f"{each['first']:.1f} | {each['others']:.2f} | {each['memory']:.1f}"
        lines.append(f"| {name} | {'kept' if keep else 'dropped'} | {cells} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=50, help="models in a process")
    parser.add_argument("--report", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--run", choices=CONTESTANTS, help="measure this contestant in this process")
    parser.add_argument("--keep", action="store_true", help="with --run: keep all models")
    given = parser.parse_args()
    if given.run:
        print(json.dumps(measure(given.run, given.models, given.keep)))
        return
    found = {}
    for name in CONTESTANTS:
        for keep in (False, True):
            command = [sys.executable, __file__, "--run", name, "--models", str(given.models), *["--keep"] * keep]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[name, keep] = json.loads(output.splitlines()[-1])
            print(name, keep, found[name, keep], flush=True)
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    text = f"{given.models} models on {processors(machine(cores()))}, no GPU; {packages}.\n\n{table(found)}"
    print(text)
    if given.report:
        document = ROOT / "docs" / "performance.md"
        document.write_text(replace(document.read_text(), "sweep", text))


if __name__ == "__main__":
    main()
