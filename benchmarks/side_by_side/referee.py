"""The contestant's side: when an epoch counts, and what is told to the parent.

A contestant trains for ever and calls `epoch_ended` after each epoch. Everything else happens in there: after the
warm-up it says `ready`, and then waits for the word `go` before each round. A round begins with an epoch that is not
timed, so that queues which a pipeline filled while it waited do not count.
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
        lines: iterator of the lines that the parent sends.
        answers: file to answer to.
        timed: epochs of a round that are timed.
        lead_in: epochs before them that are not.
        warm_up: epochs before the first round; the first of them holds the compilation.
        clock: function that gives seconds.
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
        """To be called before the model is made, after imports."""
        self.start = self.clock()

    def epoch_ended(self, loss):
        """To be called after each epoch, with its mean loss in nats an example."""
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
    """This process, and what it becomes, ends with its parent, even where that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def take_output():
    """The file that the parent reads: standard output. Whatever libraries print goes to standard error from here on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def contestant(run):
    """The main function of a contestant: reads the task from the command line and runs.

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
