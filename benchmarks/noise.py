"""Measures how long XLA takes on a CPU to draw the noise of a training step, for each algorithm of TensorFlow.

    python benchmarks/noise.py

A compiled loop of many steps draws standard normal numbers for 128 examples: 16 per example, 50 times 16 per example,
and one per pixel. The results are medians over rounds in which the algorithms take turns, in one process.
"""

import statistics
import time

import tensorflow as tf

SHAPES = {"codes": (1, 128, 16), "50 codes": (50, 128, 16), "pixels": (128, 784)}
ALGORITHMS = ("auto_select", "philox", "threefry")
ROUNDS, STEPS = 5, 20


def drawing(shape, algorithm):
    """Returns a compiled function of a seed: the sum of `STEPS` draws."""

    @tf.function(jit_compile=True)
    def run(seed):
        def body(i, total):
            return i + 1, total + tf.reduce_sum(tf.random.stateless_normal(shape, seed + i, alg=algorithm))

        return tf.while_loop(lambda i, _: i < STEPS, body, (tf.constant(0), tf.constant(0.0)))[1]

    return run


def main():
    print("| Noise | Shape | Algorithm | ms a step |\n|---|---|---|---|")
    for name, shape in SHAPES.items():
        functions = {algorithm: drawing(shape, algorithm) for algorithm in ALGORITHMS}
        times = {algorithm: [] for algorithm in ALGORITHMS}
        for number in range(ROUNDS + 1):
            for algorithm, function in functions.items():
                started = time.perf_counter()
                function(tf.constant([1, number])).numpy()
                times[algorithm].append((time.perf_counter() - started) / STEPS * 1e3)
        for algorithm, found in times.items():  # the first round compiles
            print(f"| {name} | {list(shape)} | {algorithm} | {statistics.median(found[1:]):.2f} |")


if __name__ == "__main__":
    main()
