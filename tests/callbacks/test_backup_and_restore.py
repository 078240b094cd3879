"""A training that was interrupted goes on as if it had not been."""

import functools

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae
from keras_ae.callbacks import BackupAndRestore

X = np.random.default_rng(0).random((60, 6)).astype("float32")


class CrashError(Exception):
    pass


class CrashAfter(keras.callbacks.Callback):
    """Fails in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.at:
            raise CrashError


def make(encoder=None, optimizer=None):
    keras.utils.set_random_seed(1)
    network = kae.networks.MLP
    model = kae.models.VAE(encoder or network([8]), network([8]), latent_dim=2, seed=3)
    model.build((None, 6))
    model.compile(optimizer or keras.optimizers.Adam(0.01), jit_compile=False, steps_per_execution=4)
    return model


@functools.cache
def made(parts):
    model = make(**parts())
    model.optimizer.build(model.trainable_variables)
    return model, values(model)


def fresh(parts=dict):
    """The model as `make` leaves it, but the same object again: its step is traced once."""
    model, start = made(parts)
    for variable, value in zip((*model.variables, *model.optimizer.variables), start, strict=True):
        variable.assign(value)
    return model


def values(model):
    return [np.array(variable) for variable in (*model.variables, *model.optimizer.variables)]


@pytest.fixture(scope="module")
def whole():
    """What a training that nothing interrupts ends with."""
    model = fresh()
    train(model)
    return values(model)


def train(model, *callbacks, epochs=6, **arguments):
    arguments |= {"batch_size": 8, "epochs": epochs, "validation_split": 0.2, "verbose": 0}
    return model.fit(X, **arguments, callbacks=list(callbacks))


def assert_equal(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def with_dropout():
    keras.utils.set_random_seed(2)
    return keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5, seed=7)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        dict,
        lambda: {"encoder": with_dropout()},  # Keras' own random generator
        lambda: {"optimizer": keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 36), use_ema=True)},
    ],
    ids=["adam", "dropout", "schedule and moving averages"],
)
def test_interrupted_training_ends_with_the_same_bits(tmp_path, parts):
    whole = fresh(parts)
    expected, end = train(whole).history, values(whole)
    with pytest.raises(CrashError):
        train(fresh(parts), BackupAndRestore(tmp_path), CrashAfter(4))
    resumed = make(**parts())  # as in another process
    history = train(resumed, BackupAndRestore(tmp_path, delete_at_end=False))
    assert_equal(values(resumed), end)
    assert history.epoch == list(range(6))
    assert history.history == expected
    assert train(fresh(parts), BackupAndRestore(tmp_path)).history == expected  # nothing is left to do
    assert not tmp_path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("steps_per_execution", first(1, [2, 1]))
def test_epochs_that_are_not_all_batches_resume_to_the_bit(tmp_path, steps_per_execution):
    def model():
        made = make()
        made.compile(keras.optimizers.Adam(0.01), jit_compile=False, steps_per_execution=steps_per_execution)
        return made

    arguments = {"epochs": 4, "steps_per_epoch": 4}  # of 6 batches: the third epoch begins with the third batch
    whole, resumed = model(), model()
    train(whole, **arguments)
    with pytest.raises(CrashError):
        train(model(), BackupAndRestore(tmp_path), CrashAfter(2), **arguments)
    assert train(resumed, BackupAndRestore(tmp_path), **arguments).epoch == [0, 1, 2, 3]
    assert int(resumed.optimizer.iterations) == 16
    assert_equal(values(resumed), values(whole))


def test_callbacks_go_on_from_what_they_remember(tmp_path):
    def callbacks():
        plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0, cooldown=1)
        return [plateau, kae.callbacks.EarlyStopping("loss", patience=4, min_delta=10.0)]

    model = fresh()
    expected = train(model, *callbacks(), epochs=20)
    end, kl = values(model), float(model.optimizer.learning_rate)
    with pytest.raises(CrashError):
        train(fresh(), BackupAndRestore(tmp_path), *callbacks(), CrashAfter(3), epochs=20)
    history = train(fresh(), BackupAndRestore(tmp_path), *callbacks(), CrashAfter(99), epochs=20)
    assert history.epoch == expected.epoch == list(range(5))
    assert float(model.optimizer.learning_rate) == kl < 0.01
    assert_equal(values(model), end)


def test_training_that_a_callback_had_stopped_is_not_taken_up_again(tmp_path):
    def callbacks():
        backup = BackupAndRestore(tmp_path, delete_at_end=False)
        return [backup, kae.callbacks.EarlyStopping("loss", patience=2, min_delta=10.0)]

    model = fresh()
    train(model, *callbacks(), epochs=20)
    end = values(model)
    assert train(fresh(), *callbacks(), epochs=20).epoch == [0, 1, 2]
    assert_equal(values(model), end)


@pytest.mark.parametrize("damage", first(1, ["truncated", "flipped", "empty", "random"]))
def test_damaged_backup_is_noticed_and_the_one_before_it_is_used(tmp_path, whole, damage):
    with pytest.raises(CrashError):
        train(fresh(), BackupAndRestore(tmp_path), CrashAfter(4))
    newest = max(tmp_path.glob("*.npz"))
    assert newest.name == "epoch-000004.npz" and len(list(tmp_path.glob("*.npz"))) == 2
    content = bytearray(newest.read_bytes())
    if damage == "flipped":
        content[len(content) // 3] ^= 1
    random = np.random.default_rng(0).bytes(len(content))
    changed = {"truncated": content[: len(content) // 2], "flipped": content, "empty": b"", "random": random}
    newest.write_bytes(changed[damage])
    resumed = fresh()
    with pytest.warns(UserWarning, match=r"epoch-000004\.npz is damaged"):
        history = train(resumed, BackupAndRestore(tmp_path))
    assert history.epoch == list(range(6))
    assert_equal(values(resumed), whole)


def test_backup_of_another_model_is_refused(tmp_path):
    train(fresh(), BackupAndRestore(tmp_path, delete_at_end=False), epochs=1)
    with pytest.raises(ValueError, match=r"of another model.*kernel \[6, 8\].*kernel \[6, 9\]"):
        train(make(kae.networks.MLP([9])), BackupAndRestore(tmp_path))


def test_loss_that_is_not_finite_leaves_the_last_good_weights_on_disk(tmp_path):
    model = make(optimizer=keras.optimizers.SGD(1e30))
    with pytest.raises(FloatingPointError, match="keeps the weights of step"):
        train(model, BackupAndRestore(tmp_path))
    kept = kae.load(tmp_path / "stopped.keras")
    for a, b in zip(kept.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.isfinite(a).all()


def test_every_second_epoch_and_the_last_are_kept(tmp_path):
    train(fresh(), BackupAndRestore(tmp_path, every=2, delete_at_end=False), epochs=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000004.npz", "epoch-000005.npz"]
    with pytest.raises(ValueError, match="`every` must be a positive integer"):
        BackupAndRestore(tmp_path, every=0)


@pytest.mark.slow
def test_keras_own_backup_resumes_a_training_that_is_not_damaged(tmp_path, whole):
    with pytest.raises(CrashError):
        train(fresh(), keras.callbacks.BackupAndRestore(tmp_path / "keras"), CrashAfter(4))
    resumed = make()
    train(resumed, keras.callbacks.BackupAndRestore(tmp_path / "keras"))
    assert_equal(values(resumed), whole)
