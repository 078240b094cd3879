"""A learning rate that falls on a plateau, and not in the warm-up of the KL."""

import warnings

import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae.callbacks import BackupAndRestore, ReduceLROnPlateau
from keras_ae.schedules import LinearWarmUp

X = np.random.default_rng(0).random((20, 4)).astype("float32")


def compiled(num_steps=4, kl=1e-30):
    """A model that learns nothing, with one step an epoch: its loss rises for `num_steps` epochs, and stays."""
    keras.utils.set_random_seed(0)
    objective = kae.objectives.ELBO(LinearWarmUp(num_steps, end=10.0) if num_steps else 10.0)
    model = kae.models.VAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, objective=objective)
    model.compile(keras.optimizers.SGD(kl), jit_compile=False)
    return model


def kls(model, *callbacks, epochs=9):
    history = model.fit(X, epochs=epochs, verbose=0, callbacks=[*callbacks]).history["learning_rate"]
    return np.round(np.log2(np.array(history) / 1e-30)).astype(int).tolist()


def plateau(**arguments):
    return ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=1e6, **arguments)


def test_waits_for_the_end_of_the_schedules_where_that_of_keras_does_not():
    """Epoch 5, from step 4 on, is the first that counts, 6 and 7 do not improve on it, and 8 has the lower KL."""
    assert kls(compiled(), plateau()) == [0, 0, 0, 0, 0, 0, 0, -1, -1]
    plain = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=1e6)
    with pytest.warns(UserWarning, match="use keras_ae.callbacks.ReduceLROnPlateau, which waits for its end") as caught:
        assert kls(compiled(), plain, epochs=4) == [0, 0, 0, -1]
    assert sum(issubclass(each.category, UserWarning) for each in caught) == 1


def test_of_keras_is_warned_of_while_a_schedule_moves_alone():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = compiled(num_steps=1)
        model.fit(X, verbose=0)
        model.fit(X, verbose=0, callbacks=[keras.callbacks.EarlyStopping("loss")])
        compiled().fit(X, verbose=0, callbacks=[keras.callbacks.EarlyStopping("reconstruction", mode="min")])
        compiled(0).fit(X, verbose=0, callbacks=[keras.callbacks.ReduceLROnPlateau("loss")])


def test_a_resumed_training_lowers_it_as_the_uninterrupted_one_does(tmp_path):
    whole = kls(compiled(), plateau(cooldown=1))
    first = kls(compiled(), plateau(cooldown=1), BackupAndRestore(tmp_path, delete_at_end=False), epochs=6)
    rest = kls(compiled(), plateau(cooldown=1), BackupAndRestore(tmp_path, delete_at_end=False))
    assert first == whole[:6] and rest[-3:] == whole[-3:] and whole[-1] < 0


def test_config_and_arguments():
    callback = plateau(cooldown=3, min_lr=1e-4, warm_up=7)
    assert ReduceLROnPlateau.from_config(callback.get_config()).get_config() == callback.get_config()
    for name, value in {
        "factor": 1.0,
        "patience": 0,
        "min_delta": -1,
        "mode": "up",
        "cooldown": -1,
        "min_lr": -1,
    }.items():
        with pytest.raises(ValueError, match=f"^`{name}` must be .* Received: {name}="):
            ReduceLROnPlateau(**{name: value})
    with pytest.raises(ValueError, match="`monitor` must be one of"):
        compiled().fit(X, verbose=0, callbacks=[ReduceLROnPlateau("no_such")])
