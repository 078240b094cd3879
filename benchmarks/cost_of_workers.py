"""Measures the time of a training step against the size of the model and the number of workers, and models it.

    python benchmarks/cost_of_workers.py            # prints the tables, about 15 minutes on 2 cores
    python benchmarks/cost_of_workers.py --report   # writes them into docs/distribution.md too

A VAE with two hidden layers in the encoder and in the decoder, on uniform noise, with a global batch of 128. All
workers run on this machine and share its cores. So all parts of a step are work of the same cores, and add up:

    seconds = call * W / min(W, cores) + row * 128 * P + message * (W - 1) + byte * 8 * P * (W - 1)

P is the number of weights, W the number of workers. In a ring, each worker sends 2 (W - 1) / W times the gradients of
4 P bytes: 8 P (W - 1) bytes in all. The update of the weights, which every worker repeats, cannot be separated from
these terms. The four coefficients are at least 0, and minimize the squared relative error. The prediction of each row
of the table comes from a fit to the other rows. It models gradients of 32 bits; the time with gradients of 16 bits is
beside it.

The last table is on paper: what the same coefficients say of machines with a network between them. It has never been
measured.
"""

import argparse
import statistics

import numpy as np
from report import ROOT, replace
from scaling import job, protocol
from side_by_side.machine import cores

BATCH_SIZE = 128
SIZES = {200: 64, 1250: 24, 4600: 6}  # units of a hidden layer: steps per epoch
WORKERS = (1, 2, 3, 4)
NETWORKS = {10: 50e-6, 100: 10e-6}  # Gbit/s: seconds that a message travels, assumed
MACHINES = (8, 16, 32, 64)


def num_weights(units):
    """Weights and biases of a VAE 784-units-units-16."""
    layers = [(784, units), (units, units), (units, 32), (16, units), (units, units), (units, 784)]
    return sum((rows + 1) * columns for rows, columns in layers)


def costs(weights, workers):
    """Returns what a step has of each coefficient: call, row, message and byte."""
    together = workers / min(workers, cores())  # workers that wait for a core
    return np.array(
        [
            together,
            BATCH_SIZE * weights,
            workers - 1.0,
            8.0 * weights * (workers - 1),
        ]
    )


def fitted(measured):
    """Returns the coefficients for {(weights, workers): seconds}."""
    from scipy.optimize import nnls

    rows = np.array([costs(*key) / seconds for key, seconds in measured.items()])
    scale = np.linalg.norm(rows, axis=0)
    scale[scale == 0] = 1.0
    return nnls(rows / scale, np.ones(len(rows)))[0] / scale


def predictions(measured):
    """Returns {(weights, workers): seconds} in which each is predicted from the others."""
    found = {}
    for key in measured:
        others = {other: seconds for other, seconds in measured.items() if other != key}
        found[key] = float(costs(*key) @ fitted(others))
    return found


def on_machines(coefficients, weights, machines, gigabits):
    """Returns the seconds of a step of 128 examples per machine, with the cores of this machine in each."""
    call, row, message, byte = coefficients
    alone = call + row * BATCH_SIZE * weights
    sent = 2 * (machines - 1) / machines * 4 * weights  # bytes from each machine
    travel = 2 * (machines - 1) * NETWORKS[gigabits] + sent * 8 / (gigabits * 1e9)
    # Copies and messages take the time of a core in each machine, in parallel.
    return alone + travel + message * (machines - 1) + byte * sent


def measure(rounds):
    """Returns the seconds of a step, medians over rounds whose jobs take turns: {(weights, workers): seconds}, twice.

    The second has the steps of several workers with compressed gradients.
    """
    found, compressed = {}, {}
    for _ in range(rounds):
        for units, steps in SIZES.items():
            for workers in WORKERS:
                options = ["--units", str(units), "--examples", str(steps * BATCH_SIZE)]
                seconds = BATCH_SIZE / job(1, workers, BATCH_SIZE, *options)
                print(f"{num_weights(units):,} weights, {workers} workers: {1000 * seconds:.2f} ms", flush=True)
                found.setdefault((num_weights(units), workers), []).append(seconds)
                if workers > 1:
                    seconds = BATCH_SIZE / job(1, workers, BATCH_SIZE, *options, "--gradient-compression", "bfloat16")
                    print(f"with compressed gradients: {1000 * seconds:.2f} ms", flush=True)
                    compressed.setdefault((num_weights(units), workers), []).append(seconds)
    return [{key: statistics.median(seconds) for key, seconds in each.items()} for each in (found, compressed)]


def text(measured, compressed, rounds):
    predicted, coefficients = predictions(measured), fitted(measured)
    lines = [
        protocol(rounds),
        "",
        "| Weights | Workers | Step, ms | Predicted, ms | Error | Step with gradients in bfloat16, ms |",
        "|---|---|---|---|---|---|",
    ]
    for (weights, workers), seconds in measured.items():
        guess = predicted[weights, workers]
        error = 100 * (guess / seconds - 1)
        fewer = f"{1e3 * compressed[weights, workers]:.1f}" if workers > 1 else ""
        cells = f"{weights:,} | {workers} | {1e3 * seconds:.1f} | {1e3 * guess:.1f} | {error:+.0f}% | {fewer}"
        lines.append(f"| {cells} |")
    errors = [abs(predicted[key] / seconds - 1) for key, seconds in measured.items()]
    call, row, message, byte = coefficients
    lines += [
        "",
        f"{sum(error <= 0.2 for error in errors)} of {len(errors)} predictions are within 20%; the median error is "
        f"{100 * statistics.median(errors):.0f}%. The coefficients: {1e3 * call:.2f} ms for a call, "
        f"{1e12 * row:.1f} ps for a weight and example, "
        f"{1e3 * message:.2f} ms for a message, {_rate(byte)}.",
        "",
        "On paper, not measured: examples per second of machines like this one, each with 128 examples of the batch, "
        "and in brackets the part of as many machines without communication. A message is assumed to travel "
        + " and ".join(f"{1e6 * seconds:.0f} us at {speed} Gbit/s" for speed, seconds in NETWORKS.items())
        + ".",
        "",
        f"| Weights | Network, Gbit/s | {' | '.join(f'{machines} machines' for machines in MACHINES)} |",
        f"|---|---|{'---|' * len(MACHINES)}",
    ]
    for weights in dict.fromkeys(weights for weights, _ in measured):
        alone = call + row * BATCH_SIZE * weights
        for speed in NETWORKS:
            cells = []
            for machines in MACHINES:
                seconds = on_machines(coefficients, weights, machines, speed)
                cells.append(f"{machines * BATCH_SIZE / seconds:,.0f} ({alone / seconds:.2f})")
            lines.append(f"| {weights:,} | {speed} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _rate(byte):
    return f"{1e-9 / byte:.2f} GB/s for a byte that is sent" if byte else "nothing for a byte that is sent"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="write the tables into docs/distribution.md")
    arguments = parser.parse_args()
    found = text(*measure(arguments.rounds), arguments.rounds)
    print(found)
    if arguments.report:
        document = ROOT / "docs" / "distribution.md"
        document.write_text(replace(document.read_text(), "cost", found))


if __name__ == "__main__":
    main()
