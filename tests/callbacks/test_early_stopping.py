import json

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae
from keras_ae.callbacks import EarlyStopping
from keras_ae.objectives import ELBO
from keras_ae.schedules import LinearWarmUp

X = np.random.default_rng(0).random((40, 6)).astype("float32")


def fit(model, callback, **arguments):
    """Five steps an epoch, without learning: the loss rises with beta, and then stays."""
    arguments = {"epochs": 12, "batch_size": 8, "validation_data": (X,), **arguments}
    return len(model.fit(X, verbose=0, callbacks=[callback], **arguments).history["loss"])


def frozen(make, num_steps, **arguments):
    objective = ELBO(beta=LinearWarmUp(num_steps, end=5.0))
    return make(objective=objective, optimizer=keras.optimizers.SGD(0.0), **arguments)


def values(*numbers):
    return [{"loss": 1.0, "val_loss": float(number)} for number in numbers]


@pytest.fixture
def model(make):
    model = make()
    model.build((None, 6))
    return model


def test_does_not_stop_in_the_warm_up_of_the_objective_where_that_of_keras_does(make):
    with pytest.warns(UserWarning, match="still changes: use keras_ae.callbacks.EarlyStopping, which waits"):
        assert fit(frozen(make, 30), keras.callbacks.EarlyStopping(patience=2)) == 3
    stopping = EarlyStopping(patience=2)
    assert fit(frozen(make, 30), stopping) == 8  # epoch 6 ends with step 30, two more do not improve on it
    assert stopping.reason.startswith("Stopped after epoch 8 (step 40): val_loss has not improved for 2 epochs ")
    assert stopping.best_epoch == 5


def test_loss_of_the_training_counts_from_the_first_epoch_behind_the_warm_up(make):
    stopping = EarlyStopping("reconstruction", patience=1, min_delta=10.0)
    assert fit(frozen(make, 28), stopping) == 8  # the sixth epoch, steps 25 to 29, holds two of the warm-up
    assert stopping.best_epoch == 6


@pytest.mark.parametrize("warm_up, epochs", first(1, [(15, 5), (0, 3), (60, 12)]))
def test_given_warm_up_takes_the_place_of_the_objective(make, warm_up, epochs):
    assert fit(frozen(make, 30), EarlyStopping(patience=2, warm_up=warm_up)) == epochs


def test_schedule_that_does_not_end_asks_for_a_warm_up(make):
    endless = keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.9)
    with pytest.raises(
        ValueError, match="`warm_up` must be given, because a schedule of the objective has no known end"
    ):
        fit(make(objective=ELBO(beta=endless)), EarlyStopping())
    assert fit(make(objective=ELBO(beta=endless)), EarlyStopping(warm_up=5), epochs=2) == 2


def test_serves_any_keras_model():
    model = keras.Sequential([keras.Input([6]), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), loss="mse")
    stopping = EarlyStopping("loss", patience=2)
    model.fit(X, X[:, :1], epochs=9, batch_size=40, verbose=0, callbacks=[stopping])
    assert stopping.reason.startswith("Stopped after epoch 3 (step 3)")


@pytest.mark.parametrize(
    "numbers, arguments, epochs, reason",
    [
        (
            [5, 4, 4.5, 4.2],
            {"patience": 2},
            4,
            "Stopped after epoch 4 (step 40): val_loss has not improved for 2 epochs (patience 2): "
            "best 4 in epoch 2, 4.2 in epoch 4.",
        ),
        (
            [5, 4, 4.5, 3],
            {"patience": 2},
            4,
            "Not stopped after epoch 4 (step 40): val_loss is at its best in epoch 4, 3.",
        ),
        (
            [5, 4, 4.5],
            {"patience": 2},
            3,
            "Not stopped after epoch 3 (step 30): val_loss has not improved for 1 epoch (patience 2): "
            "best 4 in epoch 2, 4.5 in epoch 3.",
        ),
        (
            [5, 4.9, 4.8],
            {"patience": 2, "min_delta": 0.5},
            3,
            "Stopped after epoch 3 (step 30): val_loss has not improved by more than 0.5 for 2 epochs (patience 2): "
            "best 5 in epoch 1, 4.8 in epoch 3.",
        ),
        (
            [5, 4, 4.5],
            {"patience": 2, "baseline": 1.0},
            3,
            "Stopped after epoch 3 (step 30): val_loss has not improved on the baseline 1 for 3 epochs (patience 2): "
            "best 4 in epoch 2, 4.5 in epoch 3.",
        ),
        (
            [1, 2, 1.5],
            {"patience": 1, "mode": "max"},
            3,
            "Stopped after epoch 3 (step 30): val_loss has not improved for 1 epoch (patience 1): "
            "best 2 in epoch 2, 1.5 in epoch 3.",
        ),
        (
            [5, 6],
            {"patience": 1, "warm_up": 100},
            2,
            "Not stopped after epoch 2 (step 20): no epoch has started after the warm-up of 100 steps.",
        ),
    ],
)
def test_reason_says_why(drive, model, numbers, arguments, epochs, reason, capsys):
    stopping = EarlyStopping(**arguments, verbose=1)
    assert stopping.reason == "Not stopped: no epoch has ended."
    assert drive(stopping, model, values(*numbers)) == epochs
    assert stopping.reason == reason
    assert capsys.readouterr().out == reason + "\n"


def test_higher_is_better_for_bounds_and_active_units():
    for name in ("val_elbo", "log_likelihood", "active_units"):
        assert EarlyStopping(name).mode == "max"
    for name in ("loss", "val_kl", "val_reconstruction"):
        assert EarlyStopping(name).mode == "min"


def mark(model):
    def mark(epoch):
        model.set_weights([np.full(w.shape, float(epoch)) for w in model.get_weights()])

    return mark


def test_best_weights_are_put_back(drive, model):
    stopping = EarlyStopping(patience=2, restore_best_weights=True)
    drive(stopping, model, values(5, 4, 4.5, 4.2), before=mark(model))
    assert all((weights == 1).all() for weights in model.get_weights())
    assert stopping.reason.endswith("The weights of epoch 2 are kept for the end.")


def test_resumed_from_its_state_it_does_what_the_uninterrupted_one_does(drive, model):
    numbers, arguments = values(5, 4, 4.5, 4.2, 4.1, 3), {"patience": 3, "restore_best_weights": True}
    whole = EarlyStopping(**arguments)
    assert drive(whole, model, numbers, before=mark(model)) == 5
    first, second = EarlyStopping(**arguments), EarlyStopping(**arguments)
    drive(first, model, numbers[:3], before=mark(model), end=False)
    state = first.get_state()
    json.dumps({name: value for name, value in state.items() if not isinstance(value, np.ndarray)})
    second.set_model(model)
    second.on_train_begin()
    second.set_state(state)
    assert drive(second, model, numbers[3:], first=3, before=mark(model)) == 5
    assert second.reason == whole.reason
    assert all((weights == 1).all() for weights in model.get_weights())


def test_state_of_a_stopped_training_stops_the_resumed_one(drive, model):
    stopping, resumed = EarlyStopping(patience=1), EarlyStopping(patience=1)
    drive(stopping, model, values(4, 5))
    model.stop_training = False
    resumed.set_model(model)
    resumed.on_train_begin()
    resumed.set_state(stopping.get_state())
    assert model.stop_training


def test_config_round_trip_before_and_after_training(drive, model):
    arguments = {"patience": 3, "min_delta": 0.5, "warm_up": 7, "baseline": 9.0, "restore_best_weights": True}
    stopping = EarlyStopping("val_kl", **arguments)
    before = stopping.get_config()
    drive(stopping, model, [{"val_kl": 3.0}])
    assert stopping.get_config() == before
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(stopping))
    assert type(again) is EarlyStopping and again.get_config() == before


@pytest.mark.parametrize("monitor, logs", [("losss", {"loss": 1.0}), ("val_elbow", {"loss": 1.0, "val_loss": 1.0})])
def test_number_that_is_not_there_is_refused_by_name(drive, model, monitor, logs):
    with pytest.raises(ValueError, match=f"`monitor` must be one of {', '.join(logs)}. Received: monitor='{monitor}'"):
        drive(EarlyStopping(monitor), model, [logs])


def test_training_without_validation_is_warned_of_once(drive, model):
    stopping = EarlyStopping(patience=3)
    with pytest.warns(UserWarning, match="There was no `val_loss` in the first 3 epochs") as warned:
        drive(stopping, model, [{"loss": 1.0}] * 8)
    assert len(warned) == 1
    assert stopping.reason == "Not stopped after epoch 8 (step 80): there was no val_loss."


def test_epochs_without_validation_count_for_nothing(make):
    assert fit(frozen(make, 5), EarlyStopping(patience=2), validation_freq=2) == 6  # validation after 2, 4 and 6


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"monitor": 3}, "`monitor` must be the name of a metric. Received: monitor=3"),
        ({"patience": 0}, "`patience` must be a positive integer"),
        ({"min_delta": -1}, "`min_delta` must be a finite number >= 0. Received: min_delta=-1"),
        ({"mode": "low"}, '`mode` must be "auto", "min" or "max". Received: mode='),
        ({"baseline": "none"}, "`baseline` must be a finite number"),
        ({"warm_up": -1}, "`warm_up` must be an integer >= 0. Received: warm_up=-1"),
        ({"warm_up": 10.0}, "`warm_up` must be an integer >= 0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**arguments)


def test_is_a_callback_of_keras():
    assert isinstance(kae.callbacks.EarlyStopping(), keras.callbacks.EarlyStopping)
