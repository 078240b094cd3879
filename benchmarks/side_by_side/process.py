"""A contestant of the training benchmark in a separate process, stopped while others train."""

import dataclasses
import json
import subprocess
import sys

from side_by_side.stopped_process import StoppedProcess, environment


def run_module(module, *arguments, cores):
    """Runs a module and returns the JSON of its last line."""
    command = [sys.executable, "-m", f"side_by_side.{module}", *map(str, arguments)]
    output = subprocess.run(command, env=environment(cores), capture_output=True, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


class Process(StoppedProcess):
    """A contestant of the training benchmark, which trains in `ready` and `round`, and is stopped otherwise.

    Args:
        contestant: the `Contestant`.
        task: the `Task`.
        data: path of the examples, a .npy file.
        folder: folder for its caches.
        cores: number of cores it may use.
        epochs: number of "timed" and "lead_in" epochs of a round, and of "warm_up" epochs before.
    """

    def __init__(self, contestant, task, *, data, folder, cores, epochs):
        self.task = task
        self.timed = epochs["timed"]
        given = {
            "task": json.dumps(dataclasses.asdict(task)),
            "data": str(data),
            "referee": json.dumps(epochs),
            "options": json.dumps(contestant.options),
        }
        module = f"side_by_side.contestants.{contestant.module}"
        command = [sys.executable, "-m", module, *(f"--{name}={value}" for name, value in given.items())]
        super().__init__(command, (contestant.label, task.name), folder=folder, cores=cores)

    def ready(self):
        """Waits for the end of the warm-up: {"first_epoch_seconds", "loss"}."""
        return self._values("ready", self.hear())

    def round(self):
        """Trains for a round: {"seconds", "loss", "examples_per_second"} of the timed epochs."""
        answer = self._values("done", self.ask("go"))
        return {**answer, "examples_per_second": self.timed * self.task.num_examples / answer["seconds"]}

    def _values(self, expected, line):
        word, _, values = line.partition(" ")
        if word != expected:
            raise self.failed()
        return json.loads(values)
