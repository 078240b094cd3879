"""A script that is killed again and again ends as if it had not been."""

import json
import pathlib
import random
import time

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).with_name("killed_script.py")


def newest(folder):
    """The epoch of the newest backup in a folder, or 0."""
    return max((int(path.stem.removeprefix("epoch-")) for path in folder.glob("epoch-*.npz")), default=0)


@pytest.mark.slow
def test_script_killed_in_five_epochs_ends_with_the_bits_of_one_that_was_not(processes, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    processes.run(whole, SCRIPT, "backups")
    moments, reached = random.Random(7), [0]
    for _ in range(5):
        process, deadline = processes.start(killed, SCRIPT, "backups"), time.monotonic() + 120
        goal = reached[-1] + moments.randint(1, 5)
        while process.poll() is None and newest(killed / "backups") < goal and time.monotonic() < deadline:
            time.sleep(0.005)
        assert process.wait(moments.uniform(0.0, 0.03)) == -9, process.said()
        reached.append(newest(killed / "backups"))
    assert reached == sorted(set(reached))  # each kill hit a later epoch
    assert not (killed / "weights.npz").exists()
    processes.run(killed, SCRIPT, "backups")
    ends = [np.load(folder / "weights.npz") for folder in (whole, killed)]
    for name in ends[0].files:
        np.testing.assert_array_equal(ends[0][name], ends[1][name])
    histories = [json.loads((folder / "history.json").read_text()) for folder in (whole, killed)]
    assert histories[0] == histories[1] and len(histories[0]["loss"]) == 60
    assert not (killed / "backups").exists()
