"""The best matrix product of a library on this machine: `python -m side_by_side.matmul numpy 2.0`.

Prints one JSON line: {"library", "shape": [m, k, n], "gflops"}. float32, as in the training.
"""

import json
import sys
import time

SHAPES = [(1024, 784, 512), (512, 784, 200), (2048, 1024, 1024), (2048, 2048, 2048), (4096, 1024, 512)]
LIBRARIES = ("numpy", "tensorflow", "torch")


def product(library):
    """Returns a function of (m, k, n) that returns a function that multiplies two matrices of these sizes."""
    if library == "numpy":
        import numpy as np

        def make(m, k, n):
            a, b = np.ones([m, k], np.float32), np.ones([k, n], np.float32)
            return lambda: a @ b
    elif library == "tensorflow":
        import tensorflow as tf

        def make(m, k, n):
            a, b = tf.ones([m, k]), tf.ones([k, n])
            return lambda: tf.matmul(a, b)
    else:
        import torch

        def make(m, k, n):
            a, b = torch.ones(m, k), torch.ones(k, n)
            return lambda: torch.mm(a, b)

    return make


def best(library, seconds):
    """Returns the fastest shape, with the GFLOP/s of the best of several short runs within the given seconds."""
    make, results = product(library), []
    for m, k, n in SHAPES:
        multiply = make(m, k, n)
        multiply()
        flop = 2e-9 * m * k * n
        repeats = max(1, int(1.0 / flop))  # runs of about 10 ms at 100 GFLOP/s
        fastest, end = float("inf"), time.perf_counter() + seconds / len(SHAPES)
        while time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(repeats):
                multiply()
            fastest = min(fastest, (time.perf_counter() - start) / repeats)
        results.append({"library": library, "shape": [m, k, n], "gflops": flop / fastest})
    return max(results, key=lambda result: result["gflops"])


if __name__ == "__main__":
    print(json.dumps(best(sys.argv[1], float(sys.argv[2]))))
