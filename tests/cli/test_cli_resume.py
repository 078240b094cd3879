"""`keras-ae train` is killed again and again, and ends as if it had not been."""

import json
import os
import pathlib
import random
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import keras_ae as kae

TRAIN = ["train", "vae", "--dataset", "digits", "--split", "train[:400]", "--latent-dim", "2", "--epochs", "120"]


class Commands:
    """Runs `keras-ae` in processes of their own, which start at once, and kills them where they take too long."""

    def __init__(self):
        script = pathlib.Path(__file__).with_name("forked_commands.py")
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.server = subprocess.Popen([sys.executable, script], env=environment, text=True, bufsize=1, **pipes)
        assert self.server.stdout.readline() == "ready\n"

    def run(self, folder, *arguments, seconds=None):
        """The exit code; -9 where the process was killed after so many seconds."""
        print(json.dumps([str(folder), *arguments]), file=self.server.stdin, flush=True)
        process = int(self.server.stdout.readline())
        if not select.select([self.server.stdout], [], [], seconds)[0]:
            os.kill(process, signal.SIGKILL)
        return int(self.server.stdout.readline())


@pytest.fixture
def commands():
    made = Commands()
    yield made
    made.server.stdin.close()
    made.server.wait(30)
    made.server.stdout.close()


@pytest.mark.slow
def test_run_killed_20_times_ends_with_the_bits_of_one_that_was_not(commands, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    begin, resume = [*TRAIN, "--out", "run", "--overwrite"], ["train", "--resume", "run"]
    assert commands.run(whole, *begin) == 0, (whole / "output.txt").read_text()
    moments, kills, began = random.Random(7), 0, time.monotonic()
    while not (killed / "run").exists():
        arguments = resume if (killed / "run.partial/config.json").exists() else begin
        code = commands.run(killed, *arguments, seconds=moments.uniform(0.1, 3.0) if kills < 20 else None)
        assert code in (0, -9), (killed / "output.txt").read_text()
        kills += code == -9
        assert time.monotonic() - began < 500
    assert kills == 20
    first, second = (kae.load(folder / "run/model.keras") for folder in (whole, killed))
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first.optimizer.variables, second.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    histories = [json.loads((folder / "run/history.json").read_text()) for folder in (whole, killed)]
    assert histories[0] == histories[1] and len(histories[0]["loss"]) == 120
    assert set(os.listdir(killed / "run")) == set(os.listdir(whole / "run"))
    assert not (killed / "run.partial").exists()
