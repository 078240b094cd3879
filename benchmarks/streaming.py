"""Trains on a stream that is larger than the memory that training uses: examples per second, and peak memory.

    python benchmarks/streaming.py            # 0.3 GB as an array, 0.3 GB and 3 GB as streams, and 3 GB only read

Each measurement is a separate process: a VAE 784-200-200-16, batches of 128, one timed epoch after an untimed one of
0.3 GB. The images are uniform noise, generated on demand. The last row reads the same batches without training: as long
as that is faster, the network and not the input limits the speed.
"""

import json
import resource
import subprocess
import sys
import time

BYTES = 784 * 4  # of an example
BATCH = 128
WARM_UP = int(0.3e9 / BYTES) // BATCH * BATCH


def dataset(num_examples):
    """Returns images [B, 784], each batch generated from its number."""
    import tensorflow as tf

    def draw(index):
        return tf.random.stateless_uniform([BATCH, 784], tf.stack([index, 0]))

    return tf.data.Dataset.range(num_examples // BATCH).map(draw, num_parallel_calls=2)


def reader():
    """Returns a function that reads every batch."""

    def run(data):
        for _ in data.prefetch(2):
            pass

    return run


def trainer():
    """Returns a function that trains for an epoch."""
    import keras

    import keras_ae as kae

    model = kae.models.VAE()
    model.build((None, 784))
    model.compile(keras.optimizers.Adam(1e-3))
    return lambda data: model.fit(data, batch_size=BATCH, verbose=0)


def measure(kind, num_examples):
    """Measures an epoch: {"examples_per_second", "before", "peak"}, the last two in MB."""
    import numpy as np

    run = reader() if kind == "reading" else trainer()
    first, whole = dataset(WARM_UP), dataset(num_examples)
    if kind == "array":
        first = whole = np.concatenate(list(whole.as_numpy_iterator()))
    run(first)
    before, started = _peak(), time.perf_counter()
    run(whole)
    seconds = time.perf_counter() - started
    return {"examples_per_second": round(num_examples / seconds), "before": before, "peak": _peak()}


def _peak():
    """Returns the peak memory of this process so far in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main():
    print("| Data | Size | Examples/s | Peak memory before | Peak memory after |\n|---|---:|---:|---:|---:|")
    rows = {"array": "array", "stream": "stream", "reading": "stream, only read"}
    for kind, gigabytes in (("array", 0.3), ("stream", 0.3), ("stream", 3.0), ("reading", 3.0)):
        num = int(gigabytes * 1e9 / BYTES) // BATCH * BATCH
        command = [sys.executable, __file__, kind, str(num)]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
        speed, before, peak = result["examples_per_second"], result["before"], result["peak"]
        print(f"| {rows[kind]} | {gigabytes} GB | {speed:,} | {before:,} MB | {peak:,} MB |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
