"""Trains the same VAE on one device, on parts of the CPU, and in several processes: examples per second.

    python benchmarks/scaling.py                        # prints the table, about 8 minutes on 2 cores
    python benchmarks/scaling.py --report               # writes it into docs/distribution.md too

A VAE 784-200-200-16 on uniform noise, with global batches of 128 and 1024. Each measurement is a separate job of 4
epochs, the first of which compiles. The table has the medians over the rounds of the medians over the other epochs.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from report import ROOT, replace
from side_by_side.machine import cores, machine, versions

JOBS = {"1 device": (1, 1), "2 parts of the CPU": (2, 1), "2 workers": (1, 2)}
NUM_EXAMPLES = 16_384


def measure(devices, batch_size):
    import keras
    import numpy as np

    import keras_ae as kae

    with kae.devices.strategy(devices).scope():
        model = kae.models.VAE()
    model.compile(keras.optimizers.Adam(1e-3))
    seconds = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            seconds.append(time.perf_counter() - self.started)

    x = np.random.default_rng(0).random((NUM_EXAMPLES, 784), dtype=np.float32)
    model.fit(x, batch_size=batch_size, epochs=4, verbose=0, callbacks=[Clock()])
    return NUM_EXAMPLES / statistics.median(seconds[1:])


def job(devices, workers, batch_size):
    """Returns the examples per second of a job, measured by its chief."""
    ports = _free_ports(workers)
    processes = []
    for index in range(workers):
        environment = {**os.environ}
        if workers > 1:
            cluster = {"worker": [f"localhost:{port}" for port in ports]}
            environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        command = [sys.executable, __file__, "--devices", str(devices), "--batch-size", str(batch_size)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    return float(outputs[0].splitlines()[-1])


def _free_ports(num):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(num)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="write the table into docs/distribution.md")
    parser.add_argument("--devices", type=int, help="measure in this process, and print the result")
    parser.add_argument("--batch-size", type=int, default=128)
    arguments = parser.parse_args()
    if arguments.devices:
        print(measure(arguments.devices, arguments.batch_size))
        return
    speeds = {(name, size): [] for size in (128, 1024) for name in JOBS}
    for _ in range(arguments.rounds):
        for (name, size), found in speeds.items():
            found.append(job(*JOBS[name], size))
    text = f"{protocol(arguments.rounds)}\n\n{table(speeds)}"
    print(text)
    if arguments.report:
        document = ROOT / "docs" / "distribution.md"
        document.write_text(replace(document.read_text(), "scaling", text))


def protocol(rounds):
    kind = machine(cores())
    on = f"{kind['cores']} cores of {kind['processor']}, no GPU"
    return f"{rounds} rounds on {on}; tensorflow {versions()['tensorflow']}."


def table(speeds):
    """Returns the medians of the examples per second by (job, global batch), as Markdown."""
    lines = ["| Job | Global batch | Examples/s | Relative |", "|---|---|---|---|"]
    for (name, size), found in speeds.items():
        alone, speed = statistics.median(speeds["1 device", size]), statistics.median(found)
        lines.append(f"| {name} | {size} | {speed:,.0f} | {speed / alone:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
