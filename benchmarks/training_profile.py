"""Measures the parts of a training step of `fit`, and of a custom loop.

    python benchmarks/training_profile.py

The parts are timed in turn, in one process. The processor time of all threads is reliable on a busy machine too.

    fit                     the user's call, without the first epoch
    program and pipeline    the compiled program on batches of the pipeline, without callbacks
    program                 the compiled program on the same examples repeatedly
    program, with SGD       likewise without Adam's moments: the difference is the cost of Adam
    pipeline                the order of the examples alone
    loop by hand            `side_by_side/contestants/xla_loop.py`
    matrix products         the products of the step alone, forward and backward, in one XLA loop
"""

import argparse
import itertools
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from side_by_side.contestants import xla_loop
from side_by_side.profile_table import HEADINGS, profile_cells
from side_by_side.task import Task

import keras_ae as kae
from keras_ae.datasets import strokes
from keras_ae.training.input_pipeline import Arrays, Feed
from keras_ae.training.stacks import StackIterator, Stacks
from keras_ae.training.train_function import running, stacked_steps

RESULTS = Path(__file__).parent / "results" / "training_profile.json"


def clocks():
    """Returns wall time and processor time of all threads in seconds, an array [2]."""
    return np.array([time.perf_counter(), time.process_time()])


class Times(keras.callbacks.Callback):
    """Records the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(clocks())


def make_model(task, x, optimizer):
    model = kae.Autoencoder(kae.networks.MLP(task.hidden), kae.networks.MLP(task.hidden), latent_dim=task.latent_dim)
    model.compile(optimizer)
    model.fit(x, batch_size=task.batch_size, epochs=1, verbose=0)
    return model


def timed_calls(model, iterator, stack_steps, calls):
    """Returns a function that times a step of the compiled function on an iterator of stacks, on both clocks."""
    function = model.make_train_function()

    def seconds():
        with running(model, stack_steps):
            start = clocks()
            for _ in range(calls):
                function(iterator)
        return (clocks() - start) / (calls * stack_steps)

    return seconds


def timed_fit(model, task, x, steps, epochs=3):
    """Times `fit` without its first epoch."""
    times = Times()

    def seconds():
        model.fit(x, batch_size=task.batch_size, epochs=epochs, verbose=0, callbacks=[times])
        return (times.ends[-1] - times.ends[0]) / ((epochs - 1) * steps)

    return seconds


def timed_pipeline(dataset, stack_steps, calls=6):
    """Times the stacks alone."""
    iterator = iter(dataset)

    def seconds():
        start = clocks()
        for _ in range(calls):
            next(iterator)
        return (clocks() - start) / (calls * stack_steps)

    return seconds


def timed_loop(task, x, steps):
    """Times an epoch of the custom loop."""
    rng = np.random.default_rng(0)
    nets = [xla_loop.initial(s, rng, False) for s in xla_loop.shapes(task)]
    weights = nets[0] + nets[1]
    state = [weights, *([tf.zeros_like(w) for w in weights] for _ in range(2))]
    epoch = xla_loop.one_program(xla_loop.make_step(task, len(nets[0])))
    order = tf.constant(rng.permutation(task.num_examples).reshape(steps, -1).astype(np.int32))
    x = tf.constant(x.reshape(len(x), -1))
    return _timed(lambda: epoch(order, tf.constant(0), state, x), steps)


def timed_products(task, steps):
    """Times the matrix products of a step: per layer one forward and two backward."""
    sizes = [shape for network in xla_loop.shapes(task) for shape in network]
    inputs = [tf.random.normal([task.batch_size, m]) for m, _ in sizes]
    outputs = [tf.random.normal([task.batch_size, n]) for _, n in sizes]
    kernels = [tf.random.normal(size) for size in sizes]

    @tf.function(jit_compile=True, autograph=False)
    def run(inputs, outputs, kernels):
        def body(i, total, inputs, outputs, kernels):
            results = []
            for a, g, w in zip(inputs, outputs, kernels, strict=True):
                results += [a @ w, tf.matmul(g, w, transpose_b=True), tf.matmul(a, g, transpose_a=True)]
            # Every result is used, and each iteration depends on the previous one, so nothing is optimized away.
            change = 1e-9 * tf.add_n([r[0, 0] for r in results])
            shifted = [[t + change for t in tensors] for tensors in (inputs, outputs)]
            return i + 1, total + change, *shifted, kernels

        start = (tf.constant(0), tf.constant(0.0), inputs, outputs, kernels)
        return tf.while_loop(lambda i, *_: i < steps, body, start)[1]

    return _timed(lambda: run(inputs, outputs, kernels), steps)


def _timed(call, steps):
    call()

    def seconds():
        start = clocks()
        tf.nest.map_structure(lambda t: t.numpy() if t.shape.rank == 0 else None, call())
        return (clocks() - start) / steps

    return seconds


def parts(task):
    """Returns {name of a part: function that times it}."""
    x = strokes.generate(task.num_examples)[0]
    steps = task.num_examples // task.batch_size
    adam, sgd = (
        make_model(task, x, optimizer) for optimizer in (keras.optimizers.Adam(1e-3), keras.optimizers.SGD(1e-6))
    )
    stack_steps = stacked_steps(adam, Feed(Arrays(x), None, task.batch_size))
    dataset, calls = Stacks({"x": x}, task.batch_size, stack_steps), max(1, steps // stack_steps)
    return {
        "fit": timed_fit(adam, task, x, steps),
        "program and pipeline": timed_calls(adam, iter(dataset), stack_steps, 2 * calls),
        "program": timed_calls(adam, StackIterator(itertools.repeat(next(iter(dataset)))), stack_steps, calls),
        "program, with SGD": timed_calls(sgd, StackIterator(itertools.repeat(next(iter(dataset)))), stack_steps, calls),
        "pipeline": timed_pipeline(dataset, stack_steps),
        "loop by hand": timed_loop(task, x, steps),
        "matrix products": timed_products(task, steps),
    }


def profile(batch_size, rounds):
    """Returns microseconds per step: {part: {"median", "fastest", "processors", "gflops"}}."""
    task = Task("profile", batch_size=batch_size, num_examples=30_000 // batch_size * batch_size)
    timers = parts(task)
    measured = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            measured[name].append(1e6 * timer())
    flop = task.flop_per_example() * batch_size
    rows = {}
    for name, values in measured.items():
        (median, busy), (fastest, _) = np.median(values, axis=0), np.min(values, axis=0)
        rows[name] = {"median": median, "fastest": fastest, "processors": busy, "gflops": flop / median / 1e3}
    del rows["pipeline"]["gflops"]  # it has no products
    return rows


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-sizes", default="128,512")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args(arguments)
    results = {}
    for size in map(int, arguments.batch_sizes.split(",")):
        results[str(size)] = profile(size, arguments.rounds)
        table = Table(*HEADINGS, title=f"Batch {size}", title_justify="left", box=SIMPLE_HEAD)
        for row in profile_cells(results[str(size)]):
            table.add_row(*row)
        Console().print(table)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    Console().print(str(arguments.out), soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
