"""Event files of a training that was interrupted and resumed."""

import keras
import numpy as np
import pytest

from keras_ae.callbacks import BackupAndRestore, KLByDimension, Snapshots

X = np.random.default_rng(0).random((40, 6, 4, 1)).astype("float32")


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
def test_interrupted_and_resumed_they_hold_each_step_with_one_value(make, tmp_path, read_events, moment):
    def train(folder, *others):
        watch = [
            KLByDimension(tmp_path / folder / "logs", X),
            Snapshots(tmp_path / folder / "pictures", X[:4], every=2, log_dir=tmp_path / folder / "logs"),
        ]
        chosen = [*watch, *others, BackupAndRestore(tmp_path / folder / "backups")]
        make(steps=1).fit(X, batch_size=8, epochs=4, verbose=0, callbacks=chosen)

    train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("parts", Interrupt(moment))
    assert max(step for _, step in read_events(tmp_path / "parts/logs")) > 10  # of the third epoch, without a backup
    train("parts")
    expected, found = (read_events(tmp_path / folder / "logs", resumed=True) for folder in ("whole", "parts"))
    assert {step for tag, step in found if tag == "snapshot"} == set(range(0, 21, 2))
    assert {step for tag, step in found if tag == "kl/dimension_00"} == {5, 10, 15, 20}
    assert found.keys() == expected.keys()
    for key, (plugin, value) in found.items():
        assert plugin == expected[key][0]
        np.testing.assert_array_equal(value, expected[key][1])
