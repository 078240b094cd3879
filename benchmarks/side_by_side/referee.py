"""The contestant's side of the training benchmark: timing of epochs, and communication with the parent process.

A contestant trains indefinitely and calls `epoch_ended` after each epoch. After the warm-up, this sends `ready`, and
then waits for `go` before each round. A round begins with an untimed epoch, which drains batches that a pipeline
prepared while the process was stopped.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
import time

import numpy as np

from side_by_side.task import PIXELS, Task


class Referee:
    """Times the epochs of a contestant.

    Args:
        lines: iterator of the parent's lines.
        answers: file for answers to the parent.
        timed: number of timed epochs per round.
        lead_in: number of untimed epochs before them.
        warm_up: number of epochs before the first round; the first includes the compilation.
        clock: function that returns seconds.
    """

    def __init__(self, lines, answers, *, timed=1, lead_in=1, warm_up=2, clock=time.perf_counter):
        self.lines = lines
        self.answers = answers
        self.timed = timed
        self.lead_in = lead_in
        self.warm_up = warm_up
        self.clock = clock
        self.epochs = 0
        self.start = clock()

    def starts(self):
        """Call this after imports, before the model is built."""
        self.start = self.clock()

    def epoch_ended(self, loss):
        """Call this after each epoch, with its mean loss in nats per example."""
        now = self.clock()
        self.epochs += 1
        if self.epochs == 1:
            self.first_epoch = now - self.start
        if self.epochs == self.warm_up:
            self._say("ready", {"first_epoch_seconds": self.first_epoch, "loss": float(loss)})
        past = self.epochs - self.warm_up
        if past > 0 and past % (self.lead_in + self.timed) == 0:
            self._say("done", {"seconds": now - self.start, "loss": float(loss)})
        if past >= 0 and past % (self.lead_in + self.timed) == 0:
            self._wait()
        if past >= 0 and (past - self.lead_in) % (self.lead_in + self.timed) == 0:
            self.start = self.clock()

    def _say(self, word, values):
        print(word, json.dumps(values), file=self.answers, flush=True)

    def _wait(self):
        if next(self.lines, "").strip() != "go":
            raise SystemExit(0)


def end_with_parent():
    """Ends this process with its parent, even if the parent is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def take_output():
    """Returns standard output for answers to the parent, and redirects the output of libraries to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def contestant(run):
    """Runs a contestant with the task from the command line.

    Args:
        run: function of (task, x [N, 784] float32, referee, options) that trains until the process ends.
    """
    end_with_parent()
    parser = argparse.ArgumentParser()
    for name in ("task", "data", "referee", "options"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    task = Task(**json.loads(arguments.task))
    answers = take_output()
    x = np.load(arguments.data, mmap_mode="c")[: task.num_examples].reshape(-1, PIXELS)
    referee = Referee(iter(sys.stdin.readline, ""), answers, **json.loads(arguments.referee))
    run(task, x, referee, json.loads(arguments.options))
