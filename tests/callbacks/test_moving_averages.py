"""Keras' exponential moving average of the weights, in the many steps of a call."""

import keras
import numpy as np
import pytest
from tiers import first

import keras_ae as kae

X = np.random.default_rng(0).random((40, 6)).astype("float32")
MOMENTUM = 0.7


def train(make, callbacks=(), *, jit_compile=False, steps="auto", use_ema=True, **arguments):
    optimizer = keras.optimizers.Adam(0.01, use_ema=use_ema, ema_momentum=MOMENTUM)
    model = make(optimizer=optimizer, jit_compile=jit_compile, steps=steps)
    history = model.fit(X, batch_size=8, epochs=4, verbose=0, callbacks=list(callbacks), **arguments)
    return model, history.history


class Average(keras.callbacks.Callback):
    """The average in NumPy, from the weights after every step."""

    average = None

    def on_train_batch_end(self, batch, logs=None):
        weights = [np.asarray(weight, np.float64) for weight in self.model.trainable_weights]
        if self.average is None:
            self.average = weights
        else:
            self.average = [MOMENTUM * a + (1 - MOMENTUM) * w for a, w in zip(self.average, weights, strict=True)]


@pytest.mark.parametrize("jit_compile", first(1, [False, True]))
def test_average_over_the_steps_of_a_call_equals_numpy(make, jit_compile):
    """The steps one by one give NumPy the weights; `fit` ends with the averages in the place of the weights."""
    average = Average()
    slow, _ = train(make, [average], jit_compile=jit_compile, steps=1)
    fast, _ = train(make, jit_compile=jit_compile)
    for a, b, c in zip(fast.trainable_weights, slow.trainable_weights, average.average, strict=True):
        np.testing.assert_allclose(b, c, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(a, c, rtol=1e-3, atol=2e-5)  # rounding of 20 steps of Adam in another program


@pytest.mark.slow
def test_validation_of_the_averages_during_fit(make):
    """At the end of `fit` the model has the averages: its evaluation is what the last validation must have seen."""
    _, plain = train(make, validation_data=(X,))
    model, swapped = train(make, [keras.callbacks.SwapEMAWeights()], validation_data=(X,))
    evaluated = model.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    assert swapped["val_loss"][-1] == pytest.approx(evaluated["loss"], rel=1e-5)
    assert plain["val_loss"][-1] != pytest.approx(evaluated["loss"], rel=1e-4)
    # Swapping adds and subtracts: it leaves the weights as they were up to rounding.
    np.testing.assert_allclose(swapped["loss"], plain["loss"], rtol=1e-4)


class CrashError(Exception):
    pass


class Crash(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise CrashError


@pytest.mark.slow
@pytest.mark.parametrize("swap_on_epoch", first(1, [True, False]))
def test_interrupted_training_knows_whether_the_averages_were_in_the_model(make, tmp_path, swap_on_epoch):
    def callbacks(folder):
        return [keras.callbacks.SwapEMAWeights(swap_on_epoch), kae.callbacks.BackupAndRestore(tmp_path / folder)]

    whole, _ = train(make, callbacks("whole"), validation_data=(X,))
    with pytest.raises(CrashError):
        train(make, [*callbacks("broken"), Crash()], validation_data=(X,))
    resumed, _ = train(make, callbacks("broken"), validation_data=(X,))
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(a, b)


class Backup(keras.callbacks.Callback):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.save(self.path)


@pytest.mark.slow
def test_file_that_was_written_during_fit_resumes_exactly(make, tmp_path):
    whole, _ = train(make, [Backup(tmp_path / "model.keras")])
    resumed = kae.load(tmp_path / "model.keras")
    resumed.fit(X, batch_size=8, epochs=4, initial_epoch=2, verbose=0)
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    plain, _ = train(make, use_ema=False)
    assert max(np.abs(a - b).max() for a, b in zip(whole.weights, plain.weights, strict=True)) > 1e-2
