"""`keras-ae train` is killed again and again, and ends as if it had not been."""

import json
import os
import random
import time

import numpy as np
import pytest
from tiers import first

import keras_ae as kae

TRAIN = ["keras-ae", "train", "vae", "--dataset", "digits", "--split", "train[:400]", "--latent-dim", "2"]


@pytest.mark.parametrize("times, epochs", first(1, [(2, 20), (20, 120)]))
def test_run_killed_again_and_again_ends_with_the_bits_of_one_that_was_not(processes, tmp_path, times, epochs):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    begin = [*TRAIN, "--epochs", epochs, "--out", "run", "--overwrite"]
    resume = ["keras-ae", "train", "--resume", "run"]
    processes.run(whole, *begin)
    moments, kills, began = random.Random(7), 0, time.monotonic()
    while not (killed / "run").exists():
        arguments = resume if (killed / "run.partial/config.json").exists() else begin
        process = processes.start(killed, *arguments)
        code = process.wait(moments.uniform(0.1, 3.0) if kills < times else 240)
        assert code in (0, -9), process.said()
        kills += code == -9
        assert time.monotonic() - began < 500
    assert kills == times
    first, second = (kae.load(folder / "run/model.keras") for folder in (whole, killed))
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first.optimizer.variables, second.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    histories = [json.loads((folder / "run/history.json").read_text()) for folder in (whole, killed)]
    assert histories[0] == histories[1] and len(histories[0]["loss"]) == epochs
    assert set(os.listdir(killed / "run")) == set(os.listdir(whole / "run"))
    assert not (killed / "run.partial").exists()
