"""Schedules of Keras and of ours as learning rates, with the many steps of a call."""

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae

X = np.random.default_rng(0).random((40, 6)).astype("float32")


def train(schedule, *, steps, jit_compile=False):
    keras.utils.set_random_seed(1)
    model = kae.models.VAE(kae.networks.MLP([5]), kae.networks.MLP([5]), latent_dim=2, seed=3)
    model.compile(keras.optimizers.SGD(schedule), jit_compile=jit_compile, steps_per_execution=steps)
    model.fit(X, batch_size=8, epochs=4, verbose=0)
    return model


@pytest.mark.parametrize(
    "schedule, jit_compile",
    first(
        1, [(kae.schedules.LinearWarmUp(15, end=0.1), False), (keras.optimizers.schedules.CosineDecay(0.1, 20), True)]
    ),
)
def test_learning_rate_follows_its_schedule_within_a_call(schedule, jit_compile):
    runs = ((schedule, 5), (schedule, 1), (0.1, 5))
    fast, slow, constant = (train(kl, steps=steps, jit_compile=jit_compile) for kl, steps in runs)
    for a, b in zip(fast.weights, slow.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # rounding of 20 steps
    assert max(np.abs(a - b).max() for a, b in zip(fast.weights, constant.weights, strict=True)) > 1e-3


def test_file_with_a_scheduled_learning_rate_resumes_exactly(tmp_path):
    model = train(kae.schedules.LinearWarmUp(30, end=0.1), steps=5)
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    for each in (model, again):
        each.fit(X, batch_size=8, initial_epoch=4, epochs=6, verbose=0)
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a, b)
