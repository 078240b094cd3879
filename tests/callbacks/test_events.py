"""Event files of a training that was interrupted and resumed."""

import keras
import numpy as np
import pytest

from keras_ae.callbacks import BackupAndRestore, RateByDimension, Snapshots
from keras_ae.callbacks.events import Events

X = np.random.default_rng(0).random((40, 6, 4, 1)).astype("float32")


def test_steps_behind_the_one_that_training_goes_on_from_are_removed(tmp_path, read_events):
    foreign = tmp_path / "events.out.tfevents.1.others.v2"
    foreign.write_bytes(b"not ours")
    first = Events(tmp_path)
    for step in (1, 2, 3):
        first.scalar("number", step, step)
    first.close()
    (path,) = (path for path in tmp_path.iterdir() if path != foreign)
    path.write_bytes(path.read_bytes() + b"the beginning of an event")
    second = Events(tmp_path, step=2)
    for step in (3, 4):
        second.scalar("number", 10 * step, step)
    second.close()
    assert foreign.read_bytes() == b"not ours"
    foreign.unlink()
    found = {step: float(value) for (_, step), (_, value) in read_events(tmp_path).items()}
    assert found == {1: 1.0, 2: 2.0, 3: 30.0, 4: 40.0}


class Interrupt(keras.callbacks.Callback):
    """Ends the training in the middle of its third epoch, or after its end and before the backup."""

    def __init__(self, moment):
        super().__init__()
        self.moment = moment

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, self.moment) == (2, "middle") and batch >= 2:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, self.moment) == (2, "end"):
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["middle", "end"])
def test_interrupted_and_resumed_they_hold_each_step_once(make, tmp_path, read_events, moment):
    def train(folder, *others):
        watch = [
            RateByDimension(tmp_path / folder / "logs", X),
            Snapshots(tmp_path / folder / "pictures", X[:4], every=2, log_dir=tmp_path / folder / "logs"),
        ]
        chosen = [*watch, *others, BackupAndRestore(tmp_path / folder / "backups")]
        make(steps=1).fit(X, batch_size=8, epochs=4, verbose=0, callbacks=chosen)

    train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("parts", Interrupt(moment))
    assert max(step for _, step in read_events(tmp_path / "parts/logs")) > 10  # of the third epoch, without a backup
    train("parts")
    expected, found = (read_events(tmp_path / folder / "logs") for folder in ("whole", "parts"))
    assert {step for tag, step in found if tag == "snapshot"} == set(range(0, 21, 2))
    assert {step for tag, step in found if tag == "rate/dimension_00"} == {5, 10, 15, 20}
    assert found.keys() == expected.keys()
    for key, (plugin, value) in found.items():
        assert plugin == expected[key][0]
        np.testing.assert_array_equal(value, expected[key][1])
