"""`keras-ae train` is killed again and again, and ends as if it had not been."""

import json
import os
import random
import time

import numpy as np
import pytest

import keras_ae as kae

TRAIN = ["keras-ae", "train", "vae", "--dataset", "digits", "--split", "train[:400]", "--latent-dim", "2"]
KILLS, EPOCHS = 20, 120


def newest_backup(folder):
    """The epoch of the newest backup of the run that is begun in a folder, or 0."""
    return max((int(path.stem[6:]) for path in folder.glob("run.partial/backup/epoch-*.npz")), default=0)


@pytest.mark.slow
def test_run_killed_again_and_again_ends_with_the_bits_of_one_that_was_not(processes, tmp_path):
    """Two kills of five wait for new backups, and hit epochs; the others hit the start of the process, mostly."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    begin = [*TRAIN, "--epochs", EPOCHS, "--out", "run", "--overwrite"]
    resume = ["keras-ae", "train", "--resume", "run"]
    processes.run(whole, *begin)
    moments, began, reached = random.Random(7), time.monotonic(), [0]
    for kill in range(KILLS):
        arguments = resume if (killed / "run.partial/config.json").exists() else begin
        process = processes.start(killed, *arguments)
        seconds = moments.uniform(0.1, 2.0)
        if kill % 5 in (0, 3):
            seconds = moments.uniform(0.0, 0.05)
            goal = reached[-1] + moments.randint(1, 3)
            while process.poll() is None and (epoch := newest_backup(killed)) < goal:
                assert epoch >= reached[-1]  # it went on, and did not begin again
                assert time.monotonic() - began < 500
                time.sleep(0.01)
        assert process.wait(seconds) == -9, process.said()
        reached.append(newest_backup(killed))
    assert reached == sorted(reached)
    assert len(set(reached) - {0}) >= 0.4 * KILLS  # kills of which each hit another epoch
    processes.run(killed, *resume)
    first, second = (kae.load(folder / "run/model.keras") for folder in (whole, killed))
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first.optimizer.variables, second.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    histories = [json.loads((folder / "run/history.json").read_text()) for folder in (whole, killed)]
    assert histories[0] == histories[1] and len(histories[0]["loss"]) == EPOCHS
    assert set(os.listdir(killed / "run")) == set(os.listdir(whole / "run"))
    assert not (killed / "run.partial").exists()
