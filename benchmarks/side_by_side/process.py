"""The parent's side: a contestant in a process of its own, stopped while others have their turn."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ContestantError(RuntimeError):
    """A contestant ended, or said something else than was expected; the message has the end of its log."""


def environment(cores):
    """What every process gets: the same number of threads for every library, and their own choice of the rest."""
    paths = [str(ROOT), str(ROOT.parent), os.environ.get("PYTHONPATH", "")]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(cores))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    return {**os.environ, **threads, **quiet, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def run_module(module, *arguments, cores):
    """Runs a module to its end and returns the JSON of its last line."""
    command = [sys.executable, "-m", f"side_by_side.{module}", *map(str, arguments)]
    output = subprocess.run(command, env=environment(cores), capture_output=True, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


class Process:
    """A contestant that lives until the end of a `with` block. It runs in `ready` and `round`, and is stopped between.

    Args:
        contestant: the `Contestant`.
        task: the `Task`.
        data: path of the examples, as `numpy.save` writes them.
        folder: where it may leave files, such as caches of compilers: each process starts with an empty one.
        cores: how many cores it may use.
        epochs: how many are "timed" in a round, how many "lead_in", and how many "warm_up" there are before.
    """

    def __init__(self, contestant, task, *, data, folder, cores, epochs):
        self.contestant = contestant
        self.task = task
        self.timed = epochs["timed"]
        self.log = tempfile.TemporaryFile("w+", dir=folder)  # noqa: SIM115 (closed in __exit__)
        given = {
            "task": json.dumps(dataclasses.asdict(task)),
            "data": str(data),
            "referee": json.dumps(epochs),
            "options": json.dumps(contestant.options),
        }
        module = f"side_by_side.contestants.{contestant.module}"
        command = [sys.executable, "-m", module, *(f"--{name}={value}" for name, value in given.items())]
        cache = tempfile.mkdtemp(dir=folder)
        self.process = subprocess.Popen(
            command,
            env={**environment(cores), "TORCHINDUCTOR_CACHE_DIR": cache, "TMPDIR": cache},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,  # a group of its own: signals reach its helpers too
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def ready(self):
        """Waits for the end of the warm-up: {"first_epoch_seconds", "loss"}."""
        return self._answer("ready")

    def round(self):
        """Lets it train for a round: {"seconds", "loss"}, and "examples_per_second" of the epochs that were timed."""
        os.killpg(self.process.pid, signal.SIGCONT)
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        answer = self._answer("done")
        return {**answer, "examples_per_second": self.timed * self.task.num_examples / answer["seconds"]}

    def _answer(self, expected):
        word, _, values = self.process.stdout.readline().partition(" ")
        if word != expected:
            self.log.seek(0)
            end = "\n".join(self.log.read().splitlines()[-25:])
            raise ContestantError(f"{self.contestant.label} failed in {self.task.name!r}:\n{end}")
        os.killpg(self.process.pid, signal.SIGSTOP)
        return json.loads(values)
