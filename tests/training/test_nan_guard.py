"""A loss that is no longer finite stops the training, with the last good weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae

X = np.random.default_rng(0).random((80, 6)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
class Poisoned(kae.objectives.ELBO):
    """The ELBO, of which one thing is not finite in one step."""

    def __init__(self, what, at, value=float("nan"), **kwargs):
        super().__init__(**kwargs)
        self.what, self.at, self.value = what, at, value

    def call(self, x, posterior, prior, likelihood, step_context):
        terms = super().call(x, posterior, prior, likelihood, step_context)
        poison = tf.where(tf.cast(step_context.step, tf.int32) == self.at, self.value, 0.0)
        if self.what == "gradient":
            return {**terms, "loss": _with_gradient(terms["loss"], 1.0 + poison)}
        wrong = {self.what: terms[self.what] + poison, "loss": terms["loss"] + poison}
        return {**terms, **wrong}


@tf.custom_gradient
def _with_gradient(values, factor):
    return tf.identity(values), lambda upstream: (upstream * factor, None)


def data():
    return X


class Batches(keras.utils.PyDataset):
    num_batches = 10

    def __getitem__(self, index):
        return (X[8 * index : 8 * index + 8],)


def generator():
    for epoch_and_batch in range(20):
        yield Batches()[epoch_and_batch % 10]


def trained(what, at, source=data, value=float("nan"), **arguments):
    """A model whose training of 2 epochs with 10 steps each was stopped, its error, and the weights after each step."""
    keras.utils.set_random_seed(1)
    network = kae.networks.MLP
    model = kae.models.VAE(network([8]), network([8]), latent_dim=2, objective=Poisoned(what, at, value))
    model.build((None, 6))
    model.compile(keras.optimizers.Adam(0.01), **arguments)
    weights = [model.get_weights()]

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(model.get_weights())

    try:
        more = {} if source is data else {"steps_per_epoch": 10, "shuffle": False}
        model.fit(source(), batch_size=8, epochs=2, verbose=0, callbacks=[Keep()], **more)
    except FloatingPointError as error:
        return model, str(error), weights
    return model, None, weights


@pytest.mark.parametrize(
    ("what", "value", "jit_compile"),
    [
        ("kl", "nan", True),
        pytest.param("gradient", "inf", False, marks=pytest.mark.slow),
        pytest.param("kl", "-inf", False, marks=pytest.mark.slow),
        pytest.param("gradient", "nan", True, marks=pytest.mark.slow),
        pytest.param("kl", "inf", True, marks=pytest.mark.slow),
    ],
)
def test_many_steps_at_once_stop_after_the_last_good_one(what, value, jit_compile):
    model, message, _ = trained(what, 13, value=float(value), jit_compile=jit_compile)
    wrong = f"`kl` is {value}" if what == "kl" else "the gradient or a state is not finite"
    assert f"step 14, in epoch 2: {wrong}." in message
    assert int(model.optimizer.iterations) == 13
    _, _, weights = trained(what, 10**6, jit_compile=jit_compile, steps_per_execution=1)
    for after, expected in zip(model.get_weights(), weights[13], strict=True):
        np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-6)  # rounding of 13 steps of Adam


@pytest.mark.parametrize("at", first(1, [10, 0, 9]))
def test_first_and_last_step_of_a_call_are_found(at):
    model, message, _ = trained("reconstruction", at, jit_compile=False)
    assert f"step {at + 1}, in epoch {1 + at // 10}: `reconstruction` is nan" in message
    assert int(model.optimizer.iterations) == at
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize(
    ("arguments", "value"),
    first(2, [({"steps_per_execution": 1}, "inf"), ({"run_eagerly": True}, "nan"), ({"run_eagerly": True}, "-inf")]),
    ids=["graph-inf", "eager-nan", "eager-minus-inf"],
)
def test_single_steps_stop_before_the_wrong_one(arguments, value):
    model, message, weights = trained("kl", 4, value=float(value), **({"jit_compile": False} | arguments))
    assert f"step 5, in epoch 1: `kl` is {value}" in message and "keeps the weights of step 4" in message
    for after, expected in zip(model.get_weights(), weights[4], strict=True):
        np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("kind", first(1, ["PyDataset", "generator", "convolution"]))
def test_steps_that_cannot_be_stacked_stop_before_the_wrong_one(kind, monkeypatch):
    """However many of them a call is asked to take."""
    source = {"generator": generator, "PyDataset": Batches}.get(kind, data)
    if kind == "convolution":  # which XLA must not see in a loop
        monkeypatch.setattr(kae.models.VAE, "_prefers_xla", False)
    model, message, weights = trained("kl", 15, source, steps_per_execution=10, jit_compile=kind == "convolution")
    assert "step 16, in epoch 2: `kl` is nan" in message and "keeps the weights of step 15" in message
    assert int(model.optimizer.iterations) == 15 == len(weights) - 1
    for after, expected in zip(model.get_weights(), weights[15], strict=True):
        np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("steps", first(1, ["auto", 1]))
def test_a_state_that_is_not_finite_stops_the_training_where_loss_and_gradient_are(steps):
    """The variance of a batch is too large for float32: what it normalizes is 0, and the mean of variances is lost."""
    scaled = keras.Sequential([keras.layers.Rescaling(1e19), keras.layers.BatchNormalization(), keras.layers.Dense(8)])
    model = kae.models.AE(scaled, kae.networks.MLP([8]), latent_dim=2, likelihood="normal")
    model.compile(jit_compile=False, steps_per_execution=steps)
    x = X.copy()
    x[50] = 30.0  # in step 7
    with pytest.raises(FloatingPointError, match="step 7, in epoch 1: the gradient or a state is not finite"):
        model.fit(x, batch_size=8, shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == 6
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.slow
def test_training_can_go_on_from_the_last_good_weights():
    model, _, _ = trained("kl", 13, jit_compile=False)
    model.objective.at = 10**6
    model.compile(keras.optimizers.Adam(0.001), jit_compile=False)
    history = model.fit(X, batch_size=8, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
