import gc
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest.mock

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Tests compile more than they compute. What the environment says comes last, and counts.
_QUICK = (
    "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1 --xla_cpu_use_fusion_emitters=false "
    "--xla_llvm_disable_expensive_passes=true"
)
if _QUICK not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{_QUICK} {os.environ.get('XLA_FLAGS', '')}".strip()

# Graphs leave much to collect in cycles, and with Python's threshold of 700 objects a sixteenth of the time went there.
gc.set_threshold(50_000, 20, 20)

# TensorFlow is imported where it is used: the process that hands out the tests does without.


@pytest.fixture(autouse=True, scope="session")
def _no_graph_optimizer():
    """Grappler takes longer than it saves in graphs that run a few times; processes of their own have it."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True, scope="module")
def _fresh_seed_of_tensorflow():
    """Random operations of TensorFlow that have a state start anew in each file."""
    import tensorflow as tf

    tf.random.set_seed(0)


@pytest.fixture(autouse=True)
def _fresh_state():
    """Weights and names of one test do not depend on the tests before it.

    With names that repeat, TensorFlow finds the kernels of variables that it has made already.
    The seed of TensorFlow stays: setting it makes TensorFlow forget the kernels of all operations, and making these
    again for each test takes a sixth of the time of the tests.
    """
    import keras
    import tensorflow as tf
    from keras.src.utils.naming import reset_uids

    reset_uids()
    with unittest.mock.patch.object(tf.random, "set_seed"):
        keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's handwritten digits: images [1797, 8, 8, 1] in [0, 1], and labels."""
    import numpy as np
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images / 16).astype(np.float32)[..., np.newaxis], data.target.astype(np.int32)


@pytest.fixture(scope="session")
def asked_here():
    """A function that lets this process run the exports, not another one that would take seconds to start."""
    from keras_ae.export.verification import comparison, isolated_runner

    def ask(patch):
        patch.setattr(comparison, "_run", lambda kind, *paths: isolated_runner.answer(kind, *map(str, paths)))

    return ask


@pytest.fixture
def in_process(asked_here, monkeypatch):
    asked_here(monkeypatch)


class Process:
    """A process that was started by `Processes`."""

    def __init__(self, server, number, output):
        self.server, self.number, self.output = server, number, output
        self.code = None

    def poll(self):
        """The exit status, negative for a signal, or `None` while the process runs."""
        if self.code is None:
            self.code = self.server.ask({"poll": self.number})
        return self.code

    def wait(self, seconds):
        """The exit status; a process that takes longer is killed."""
        deadline = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.code is None:
            self.kill()
        return self.code

    def kill(self):
        if self.poll() is None:
            os.kill(self.number, signal.SIGKILL)
            while self.poll() is None:
                time.sleep(0.01)

    def said(self):
        return self.output.read_text()


class Processes:
    """Starts scripts, and the command `keras-ae`, in processes of their own that have the libraries loaded already."""

    def __init__(self):
        script = pathlib.Path(__file__).with_name("forked_processes.py")
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        for name in ("TF_CONFIG", "KERAS_AE_XLA"):
            environment.pop(name, None)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.server = subprocess.Popen([sys.executable, script], env=environment, text=True, bufsize=1, **pipes)
        assert self.server.stdout.readline() == "ready\n"
        self.started = []

    def ask(self, request):
        print(json.dumps(request), file=self.server.stdin, flush=True)
        return json.loads(self.server.stdout.readline())

    def start(self, folder, *arguments, output="output", **environment):
        """Starts a process in a folder; the first argument is a script, or "keras-ae"."""
        request = {"start": [str(argument) for argument in arguments], "folder": str(folder)}
        number = self.ask({**request, "environment": {**environment, "OUTPUT": output}})
        self.started.append(Process(self, number, pathlib.Path(folder) / f"{output}.txt"))
        return self.started[-1]

    def run(self, folder, *arguments, seconds=240):
        """Starts a process, and waits until it has ended well."""
        process = self.start(folder, *arguments)
        assert process.wait(seconds) == 0, process.said()[-3000:]

    def close(self):
        for process in self.started:
            process.kill()
        self.server.stdin.close()
        self.server.wait(30)
        self.server.stdout.close()


@pytest.fixture(scope="session")
def processes():
    made = Processes()
    yield made
    made.close()


# Files that take long, or whose processes do: one of them at the end would leave the other processes idle.
LONG = [
    "test_conformance",
    "test_cli_mnist",
    "test_cli_resume",
    "test_workers",
    "test_cli_quickstart",
    "test_replication",
    "test_trainer",
    "test_input_pipeline",
]


def pytest_collection_modifyitems(items):
    """The longest files come first."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(autouse=True, scope="module")
def _few_objects_to_collect():
    """What the libraries keep for ever is not looked at again and again: that took a tenth of the time."""
    gc.collect()
    gc.freeze()
