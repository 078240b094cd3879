"""`keras-ae train` as several processes that train together."""

import json
import time

import numpy as np
import pytest

import keras_ae as kae

TRAIN = ["keras-ae", "train", "ae", "--dataset", "digits", "--split", "train[:300]", "--latent-dim", "2"]


@pytest.mark.slow
@pytest.mark.parametrize("num", [2, 3])
def test_workers_train_what_one_process_trains(processes, workers, tmp_path, num):
    """An autoencoder without noise, which would be another on each worker; batches of 40, the last one smaller."""
    single, together = tmp_path / "single", tmp_path / "together"
    arguments = [*TRAIN, "--epochs", "6", "--batch-size", "40", "--out", "run"]
    for folder in (single, together):
        folder.mkdir()
    processes.run(single, *arguments)
    workers.run(num, together, arguments)
    first, second = (kae.load(folder / "run/model.keras") for folder in (single, together))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)  # sums in another order, through the steps of Adam
    histories = [json.loads((folder / "run/history.json").read_text()) for folder in (single, together)]
    assert histories[0].keys() == histories[1].keys() and "loss" in histories[0]
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, err_msg=name)


@pytest.mark.slow
def test_workers_that_take_steps_alone_write_one_run(workers, tmp_path):
    workers.run(2, tmp_path, [*TRAIN, "--epochs", "6", "--batch-size", "40", "--local-steps", "3", "--out", "run"])
    loss = json.loads((tmp_path / "run/history.json").read_text())["loss"]
    assert len(loss) == 6 and loss[-1] < loss[0]
    assert json.loads((tmp_path / "run/config.json").read_text())["training"]["local_steps"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("lost", [1, 0], ids=["worker", "chief"])
def test_two_workers_of_which_one_is_lost_go_on_from_the_backup(workers, tmp_path, lost):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    arguments = [*TRAIN, "--epochs", "40", "--out", "run"]
    workers.run(2, whole, arguments)
    assert {path.name for path in whole.iterdir()} == {"run", "worker-0.txt", "worker-1.txt"}  # the chief alone wrote

    started = workers.start(2, broken, arguments)
    deadline = time.monotonic() + 120
    while not list(broken.glob("run.partial/backup/epoch-*.npz")) and time.monotonic() < deadline:
        time.sleep(0.05)
    started[lost].kill()
    left = started[1 - lost]
    assert left.wait(90) == 1  # it does not hang: TensorFlow notices within a minute, and then the process ends
    said = left.said()
    assert "another worker does not answer" in said and "continues from the last backup" in said
    assert lost == 0 or "keras-ae train --resume run" in said  # the chief says where the run is
    assert not (broken / "run").exists()
    workers.run(2, broken, ["keras-ae", "train", "--resume", "run"])

    first, second = (kae.load(folder / "run/model.keras") for folder in (whole, broken))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
