"""Weights of the loss that follow a schedule: in the loop of many steps, in files, in exact resume."""

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae
from keras_ae.objectives import ELBO, Capacity, Reconstruction
from keras_ae.schedules import CyclicalWarmUp, LinearWarmUp

S = keras.optimizers.schedules
# One example again and again: its KL is the same in every step of a model that does not learn.
SAME = np.tile(np.random.default_rng(0).random((1, 6)), [48, 1]).astype("float32")
X = np.random.default_rng(1).random((40, 6)).astype("float32")


def vae(objective, optimizer="adam", jit_compile=False):
    keras.utils.set_random_seed(1)
    model = kae.models.VAE(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=2, seed=3, objective=objective)
    model.build((None, 6))
    model.compile(optimizer, jit_compile=jit_compile)
    return model


@pytest.mark.parametrize(
    "schedule, jit_compile",
    first(
        1,
        [
            (CyclicalWarmUp(5, 2, start=0.2), True),
            (LinearWarmUp(10), False),
            (S.PolynomialDecay(0.0, 10, 2.0), False),
            (S.PiecewiseConstantDecay([3, 7], [0.0, 0.5, 1.0]), False),
        ],
    ),
)
def test_beta_of_every_step_of_a_call_is_that_of_the_schedule(schedule, jit_compile):
    model = vae(ELBO(beta=schedule), keras.optimizers.SGD(0.0), jit_compile)
    calls = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: calls.append(batch))
    history = model.fit(SAME, batch_size=8, epochs=3, verbose=0, validation_data=(SAME,), callbacks=[count]).history
    assert calls == [5, 5, 5]  # six steps a call
    for epoch in range(3):
        beta = np.mean([schedule(step) for step in range(6 * epoch, 6 * epoch + 6)])
        loss, kl, reconstruction = (history[name][epoch] for name in ("loss", "kl", "reconstruction"))
        assert loss - reconstruction == pytest.approx(beta * kl, abs=1e-5)  # float32 losses near 4
        after = float(schedule(6 * epoch + 6))  # validation comes after the steps
        loss, kl, reconstruction = (history[f"val_{name}"][epoch] for name in ("loss", "kl", "reconstruction"))
        assert loss - reconstruction == pytest.approx(after * kl, abs=1e-5)


def test_capacity_grows_within_a_call():
    capacity = LinearWarmUp(12, start=0.5, end=5.0)
    model = vae(Capacity(capacity, gamma=3.0), keras.optimizers.SGD(0.0), jit_compile=True)
    history = model.fit(SAME, batch_size=8, epochs=3, verbose=0).history
    for epoch in range(3):
        kl = history["kl"][epoch]
        distance = np.mean([abs(kl - float(capacity(step))) for step in range(6 * epoch, 6 * epoch + 6)])
        assert history["loss"][epoch] - history["reconstruction"][epoch] == pytest.approx(3 * distance, abs=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective",
    [
        ELBO(beta=LinearWarmUp(9, end=2.0), free_bits=0.1),
        ELBO(beta=S.PolynomialDecay(0.0, 9, 1.0)),
        Capacity(LinearWarmUp(9, end=3.0), gamma=S.PiecewiseConstantDecay([4], [1.0, 10.0])),
    ],
)
def test_file_with_a_schedule_resumes_exactly(objective, tmp_path):
    model = vae(objective)
    model.fit(X, batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert again.objective.get_config() == objective.get_config()
    assert again.objective.warm_up == model.objective.warm_up == 9
    for each in (model, again):
        each.fit(X, batch_size=8, initial_epoch=1, epochs=3, verbose=0)
    whole = vae(type(objective).from_config(objective.get_config()))
    whole.fit(X, batch_size=8, epochs=3, verbose=0)
    for a, b, c in zip(model.weights, again.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_config_with_plain_numbers_holds_plain_numbers():
    assert ELBO(beta=4, free_bits=1).get_config()["beta"] == 4.0
    assert {name: Capacity(25).get_config()[name] for name in ("capacity", "gamma")} == {"capacity": 25, "gamma": 1000}


def test_warm_up_of_an_objective_is_that_of_its_longest_schedule():
    assert ELBO().warm_up == Reconstruction().warm_up == 0
    assert Capacity(LinearWarmUp(30), gamma=CyclicalWarmUp(10, 5)).warm_up == 45
    assert ELBO(beta=S.ExponentialDecay(1.0, 10, 0.9)).warm_up is None


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: ELBO(beta=LinearWarmUp(10, start=-1.0)),
            "`beta` must be >= 0 at every step. Received: LinearWarmUp, -1",
        ),
        (lambda: ELBO(beta=LinearWarmUp(10, end=-1.0)), "Received: LinearWarmUp, -1 at step 10"),
        (lambda: ELBO(beta=LinearWarmUp), "`beta` must be a finite number >= 0, or a schedule"),
        (lambda: Capacity(-1), "`capacity` must be a finite number >= 0, or a schedule. Received: capacity=-1"),
        (lambda: Capacity(1, gamma=None), "`gamma` must be a finite number >= 0, or a schedule"),
    ],
)
def test_schedules_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
