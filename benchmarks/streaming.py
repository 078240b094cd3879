"""Trains on a generated set that is larger than what is kept of it: examples a second, and the peak of the memory.

    python benchmarks/streaming.py            # 0.3 GB and 3 GB as streams, and 0.3 GB as an array

Every measurement is a process of its own: one epoch of a VAE 784-200-200-16, batches of 128, after a short epoch that
compiles. The images are uniform noise, drawn as they are needed.
"""

import json
import resource
import subprocess
import sys
import time

BYTES = 784 * 4  # of an example


def dataset(num_examples, batch_size=128):
    """Images [B, 784] that are drawn batch by batch from the number of the batch."""
    import tensorflow as tf

    def draw(index):
        return tf.random.stateless_uniform([batch_size, 784], tf.stack([index, 0]))

    return tf.data.Dataset.range(num_examples // batch_size).map(draw, num_parallel_calls=2)


def measure(kind, num_examples):
    import keras
    import numpy as np

    import keras_ae as kae

    model = kae.models.VAE()
    model.compile(keras.optimizers.Adam(1e-3))
    short, whole = dataset(128 * 128), dataset(num_examples)
    if kind == "array":
        short, whole = (np.concatenate(list(part.as_numpy_iterator())) for part in (short, whole))
    model.fit(short, batch_size=128, verbose=0)
    before, started = _peak(), time.perf_counter()
    model.fit(whole, batch_size=128, verbose=0)
    seconds = time.perf_counter() - started
    return {"examples_per_second": round(num_examples / seconds), "before": before, "peak": _peak()}


def _peak():
    """The most memory that this process has held so far, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main():
    print("| Data | Size | Examples/s | Peak memory before | Peak memory after |\n|---|---|---|---|---|")
    for kind, gigabytes in (("array", 0.3), ("stream", 0.3), ("stream", 3.0)):
        num = int(gigabytes * 1e9 / BYTES) // 128 * 128
        command = [sys.executable, __file__, kind, str(num)]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
        speed, before, peak = result["examples_per_second"], result["before"], result["peak"]
        print(f"| {kind} | {gigabytes} GB | {speed:,} | {before:,} MB | {peak:,} MB |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
