"""What every callback of the room is held to: saved by its config, and no trace in the training."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    KLByDimension,
    PosteriorCollapse,
    ReduceLROnPlateau,
    Snapshots,
    is_chief,
)

X = np.random.default_rng(0).random((40, 6, 4, 1)).astype("float32")
CONDITION = {"digit": np.arange(40) % 3, "slant": np.linspace(-1, 1, 40).astype("float32")}


def callbacks(folder, condition):
    return [
        BackupAndRestore(folder / "backups"),
        EarlyStopping("loss", patience=50, min_delta=0.1, warm_up=3, restore_best_weights=False),
        ReduceLROnPlateau("loss", patience=50, min_delta=0.1, warm_up=3),
        PosteriorCollapse(X, condition, share=0.0, threshold=0.1),
        KLByDimension(folder / "logs", X, condition=condition),
        Snapshots(folder / "pictures", X, condition=condition, steps=[0, 3], seed=4, seconds=1.0, log_dir=folder),
    ]


def test_every_public_callback_is_here(tmp_path):
    public = {getattr(kae.callbacks, name) for name in kae.callbacks.__all__}
    public = {cls for cls in public if isinstance(cls, type) and issubclass(cls, keras.callbacks.Callback)}
    assert public - {Callback} == {type(callback) for callback in callbacks(tmp_path, None)}


@pytest.mark.parametrize("condition", [None, CONDITION, CONDITION["digit"]])
def test_config_round_trip_through_json(condition, tmp_path):
    for callback in callbacks(tmp_path, condition):
        text = json.dumps(keras.saving.serialize_keras_object(callback))
        again = keras.saving.deserialize_keras_object(json.loads(text))
        assert type(again) is type(callback)
        assert json.dumps(keras.saving.serialize_keras_object(again)) == text
        if hasattr(callback, "x"):
            np.testing.assert_array_equal(again.x, X)
            assert again.x.dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [True, False])
def test_training_is_the_same_with_and_without_them(make, tmp_path, jit_compile):
    weights = []
    for watched in (False, True):
        parts = {"digit": kae.Categorical(3), "slant": kae.Continuous()}
        objective = kae.objectives.ELBO(beta=kae.schedules.LinearWarmUp(7), free_bits=0.1)
        model = make(kae.models.ConditionalVAE, condition=parts, objective=objective, jit_compile=jit_compile)
        chosen = callbacks(tmp_path, CONDITION) if watched else []
        model.fit(X, CONDITION, batch_size=8, epochs=3, verbose=0, callbacks=chosen)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_interrupted_and_resumed_they_end_as_if_nothing_had_been(make, tmp_path):
    ends = []
    for folder, interruptions in ((tmp_path / "whole", [[]]), (tmp_path / "parts", [[Interrupt()], []])):
        for interruption in interruptions:
            warm_up = kae.schedules.LinearWarmUp(12)  # the interruption, after step 10, lies within it
            model, chosen = make(objective=kae.objectives.ELBO(beta=warm_up)), callbacks(folder, None)
            chosen[1] = EarlyStopping("reconstruction", patience=2, min_delta=5.0)  # from epoch 4 on, until epoch 6
            chosen[4] = Snapshots(folder / "pictures", X[:4], every=5)
            try:
                history = model.fit(X, batch_size=8, epochs=9, verbose=0, callbacks=chosen + interruption).history
            except KeyboardInterrupt:
                continue
        pictures = [path.name for path in chosen[4].pictures]
        ends.append((history, chosen[1].reason, pictures, [weights.tolist() for weights in model.get_weights()]))
    assert ends[0] == ends[1]
    history, reason, pictures, _ = ends[0]
    assert len(history["active_units"]) == 6 and reason.startswith("Stopped after epoch 6 (step 30)")
    assert len(pictures) == 7


def test_one_process_is_the_chief_and_writes_under_a_strategy_too(make, tmp_path):
    assert is_chief(make())
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = make(steps=1)
    assert is_chief(model)
    model.fit(X, batch_size=8, epochs=1, verbose=0, callbacks=callbacks(tmp_path, None))
    names = sorted(path.name for path in (tmp_path / "pictures").glob("*.png"))
    assert names == ["snapshot-00000000.png", "snapshot-00000003.png"]
    assert len(list(tmp_path.glob("logs/events.out.tfevents.*"))) == 1


def test_worker_that_must_not_save_is_not_the_chief(make):
    class Extended:
        should_save_summary = False

    class Strategy:
        extended = Extended()

    class Model:
        distribute_strategy = Strategy()

    assert not is_chief(Model())
