"""Trains the same VAE on one device, on parts of the CPU, and in several processes: examples per second.

    python benchmarks/scaling.py                        # prints the table, about 10 minutes on 2 cores
    python benchmarks/scaling.py --report               # writes it into docs/distribution.md too

A VAE 784-200-200-16 on uniform noise, with global batches of 128 and 1024, against PyTorch's DistributedDataParallel
with gloo (`pip install ".[peers]"`). Each measurement is a separate job of 4 epochs, the first of which compiles. The
jobs of a round take turns. The table has the medians over the rounds of the medians over the other epochs, and ratios
to one device and to PyTorch with as many workers.
"""

import argparse
import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import time

from report import ROOT, replace
from side_by_side.machine import cores, machine, processors, versions

JOBS = {  # (devices, workers, local steps); PyTorch has no devices
    "1 device": (1, 1, None),
    "2 parts of the CPU": (2, 1, None),
    "2 workers": (1, 2, None),
    "3 workers": (1, 3, None),
    "2 workers, 16 local steps": (1, 2, 16),
    "3 workers, 16 local steps": (1, 3, 16),
    "PyTorch, 2 workers": (0, 2, None),
    "PyTorch, 3 workers": (0, 3, None),
}
NUM_EXAMPLES = 16_384


def measure(devices, batch_size, units=200, num_examples=NUM_EXAMPLES, **options):
    import keras
    import numpy as np

    import keras_ae as kae

    with kae.devices.strategy(devices).scope():
        model = kae.models.VAE(encoder=kae.networks.MLP([units, units]), decoder=kae.networks.MLP([units, units]))
    model.compile(keras.optimizers.Adam(1e-3), **options)
    seconds = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            seconds.append(time.perf_counter() - self.started)

    x = np.random.default_rng(0).random((num_examples, 784), dtype=np.float32)
    model.fit(x, batch_size=batch_size, epochs=4, verbose=0, callbacks=[Clock()])
    return num_examples / statistics.median(seconds[1:])


def measure_pytorch(batch_size):
    """The same in PyTorch: a loop over data in memory, fused Adam, the gradients averaged by gloo."""
    import torch
    from side_by_side.contestants.torch_loop import VAE
    from side_by_side.task import Task

    task = json.loads(os.environ["TF_CONFIG"])
    rank, num = task["task"]["index"], len(task["cluster"]["worker"])
    address = task["cluster"]["worker"][0]
    torch.set_num_threads(max(1, cores() // num))
    torch.distributed.init_process_group("gloo", init_method=f"tcp://{address}", rank=rank, world_size=num)
    torch.manual_seed(0)
    model = torch.nn.parallel.DistributedDataParallel(VAE(Task("scaling", batch_size=128)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    x, seconds = torch.rand(NUM_EXAMPLES, 784), []
    for _ in range(4):
        started = time.perf_counter()
        for rows in torch.randperm(NUM_EXAMPLES).split(batch_size):
            optimizer.zero_grad(set_to_none=True)
            model(x[rows.tensor_split(num)[rank]]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - started)
    torch.distributed.destroy_process_group()
    return NUM_EXAMPLES / statistics.median(seconds[1:])


def job(devices, workers, batch_size, *options):
    """Returns the examples per second of a job, measured by its chief."""
    ports = _free_ports(workers)
    processes = []
    for index in range(workers):
        environment = {**os.environ}
        if workers > 1:
            cluster = {"worker": [f"localhost:{port}" for port in ports]}
            environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        command = [sys.executable, __file__, "--devices", str(devices), "--batch-size", str(batch_size), *options]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate(timeout=1200)[0] for process in processes]
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
    parser.add_argument("--devices", type=int, help="measure in this process, and print the result; 0 for PyTorch")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--units", type=int, default=200, help="units of each hidden layer")
    parser.add_argument("--local-steps", type=int, help="steps of a worker alone")
    parser.add_argument("--gradient-compression", help="type in which gradients are summed")
    parser.add_argument("--examples", type=int, default=NUM_EXAMPLES, help="examples per epoch")
    arguments = parser.parse_args()
    if arguments.devices is not None:
        found = (
            measure(
                arguments.devices,
                arguments.batch_size,
                arguments.units,
                arguments.examples,
                local_steps=arguments.local_steps,
                gradient_compression=arguments.gradient_compression,
            )
            if arguments.devices
            else measure_pytorch(arguments.batch_size)
        )
        print(found)
        return
    peer = importlib.util.find_spec("torch") is not None
    speeds = {(name, size): [] for size in (128, 1024) for name in JOBS if peer or not name.startswith("PyTorch")}
    for _ in range(arguments.rounds):
        for (name, size), found in speeds.items():
            devices, workers, local_steps = JOBS[name]
            options = () if local_steps is None else ("--local-steps", str(local_steps))
            found.append(job(devices, workers, size, *options))
    text = f"{protocol(arguments.rounds)}\n\n{table(speeds)}"
    print(text)
    if arguments.report:
        document = ROOT / "docs" / "distribution.md"
        document.write_text(replace(document.read_text(), "scaling", text))


def protocol(rounds):
    on = f"{processors(machine(cores()))}, no GPU"
    found = ", ".join(f"{name} {version}" for name, version in versions(("tensorflow", "torch")).items() if version)
    return f"{rounds} round{'s' * (rounds != 1)} on {on}; {found}."


def table(speeds):
    """Returns the medians of the examples per second by (job, global batch), as Markdown."""
    lines = ["| Job | Global batch | Examples/s | of 1 device | of PyTorch |", "|---|---|---|---|---|"]
    for (name, size), found in speeds.items():
        peer = speeds.get((f"PyTorch, {name.split(', ')[0]}", size))
        ratios = [f"{_ratio(found, each):.2f}" if each else "" for each in (speeds["1 device", size], peer)]
        lines.append(f"| {name} | {size} | {statistics.median(found):,.0f} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def _ratio(found, others):
    """The median of the ratios of each round."""
    return statistics.median(a / b for a, b in zip(found, others, strict=True))


if __name__ == "__main__":
    main()
