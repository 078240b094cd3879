"""`keras-ae train --devices`."""

import json
import time

import numpy as np
import pytest

import keras_ae as kae

TRAIN = ["keras-ae", "train", "vae", "--dataset", "digits", "--split", "train[:300]", "--latent-dim", "2"]


@pytest.mark.slow
def test_a_run_on_two_devices_is_killed_and_resumed_to_the_bit(processes, tmp_path):
    single, whole, killed = (tmp_path / name for name in ("single", "whole", "killed"))
    for folder in (single, whole, killed):
        folder.mkdir()
    begin = [*TRAIN, "--epochs", "40", "--out", "run"]
    processes.run(single, *begin)
    processes.run(whole, *begin, "--devices", "2")
    process, deadline = processes.start(killed, *begin, "--devices", "2"), time.monotonic() + 120
    while not list(killed.glob("run.partial/backup/epoch-*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    assert process.code == -9 and not (killed / "run").exists()
    processes.run(killed, "keras-ae", "train", "--resume", "run")

    one, first, second = (kae.load(folder / "run/model.keras").get_weights() for folder in (single, whole, killed))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert max(np.abs(a - b).max() for a, b in zip(one, first, strict=True)) > 1e-4  # each replica has noise of its own
    config, history = (json.loads((killed / "run" / name).read_text()) for name in ("config.json", "history.json"))
    assert config["training"]["devices"] == 2
    assert len(history["loss"]) == 40 and history["loss"][-1] < history["loss"][0]
    assert history == json.loads((whole / "run/history.json").read_text())
