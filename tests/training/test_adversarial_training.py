"""Two optimizers in one `fit`: the model's and the discriminator's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae.callbacks import BackupAndRestore
from keras_ae.networks import MLP
from keras_ae.objectives import AdversarialMatching
from keras_ae.step_context import StepContext

MODELS = {"factor": kae.models.FactorVAE, "matching": kae.models.AdversarialAE, "gan": kae.models.VAEGAN}
X = np.random.default_rng(0).random((64, 6)).astype("float32")
EAGER = {"run_eagerly": True}  # for a few steps faster than tracing the loop


def make(name="matching", optimizer=None, discriminator_optimizer=None, discriminator=None, **arguments):
    keras.utils.set_random_seed(1)
    model = MODELS[name](MLP([8]), MLP([8]), latent_dim=2, seed=5, discriminator=discriminator or MLP([7]))
    model.build((None, 6))
    model.compile(
        optimizer or keras.optimizers.Adam(0.01),
        discriminator_optimizer=discriminator_optimizer or keras.optimizers.SGD(0.02, momentum=0.9),
        **({"jit_compile": False} | arguments),
    )
    return model


def fit(model, epochs=2, **arguments):
    return model.fit(X, batch_size=16, epochs=epochs, verbose=0, **arguments).history


def sides(model):
    """Copies of the weights of the model, and of the discriminator."""
    theirs = {id(variable) for variable in model.objective.discriminator.variables}
    own = [v.numpy() for v in model.trainable_variables if id(v) not in theirs]
    return own, [v.numpy() for v in model.objective.discriminator.variables]


def assert_same(first, second, **tolerance):
    """Weights, and the states of both optimizers."""
    assert len(first.optimizer_variables) > len(first.optimizer.variables) > 0
    for a, b in (
        *zip(first.variables, second.variables, strict=True),
        *zip(first.optimizer_variables, second.optimizer_variables, strict=True),
    ):
        np.testing.assert_allclose(a, b, **({"rtol": 0, "atol": 0} | tolerance))


@pytest.mark.parametrize(
    "name, one_by_one",
    first(
        1,
        [("gan", {"run_eagerly": True}), ("factor", {"steps_per_execution": 1}), ("matching", {"run_eagerly": True})],
    ),
)
def test_many_steps_at_once_are_those_one_by_one(name, one_by_one):
    whole, single = make(name), make(name, **one_by_one)
    histories = [fit(model) for model in (whole, single)]
    assert set(histories[0]) == {"loss", *whole.objective.terms}
    assert_same(whole, single, rtol=1e-4, atol=1e-6)
    assert int(whole.optimizer.iterations) == int(whole.discriminator_optimizer.iterations) == 8
    for key, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][key], rtol=1e-4)


@pytest.mark.parametrize("name", first(1, MODELS))
@pytest.mark.parametrize("still", ["model", "discriminator"])
def test_each_optimizer_moves_its_own_side_alone(name, still):
    at_rest = keras.optimizers.SGD(0.0)
    model = make(name, **EAGER, **{"optimizer" if still == "model" else "discriminator_optimizer": at_rest})
    before = sides(model)
    fit(model, epochs=1)
    for side, old, new in zip(("model", "discriminator"), before, sides(model), strict=True):
        for a, b in zip(old, new, strict=True):
            assert np.array_equal(a, b) == (side == still), side


def test_the_discriminator_has_an_optimizer_like_the_first_unless_it_is_given():
    model = make()
    model.compile(keras.optimizers.Adam(0.003, beta_1=0.5))
    assert model.discriminator_optimizer is not model.optimizer
    assert model.discriminator_optimizer.get_config() == model.optimizer.get_config()
    assert model.objective.discriminator_pace == 1
    with pytest.raises(ValueError, match="`discriminator_optimizer` is for objectives with a discriminator"):
        kae.models.VAE().compile(discriminator_optimizer="adam")


@pytest.mark.parametrize("scaled", first(1, [True, False]))
def test_the_features_of_pictures_learn_at_a_tenth_of_the_rate(scaled, tmp_path):
    model = kae.models.VAEGAN(MLP([4]), MLP([4]), latent_dim=2, discriminator=MLP([4]))
    adam = keras.optimizers.Adam(kae.schedules.LinearWarmUp(10, start=0.2, end=1.0), beta_1=0.5)
    model.compile(keras.optimizers.LossScaleOptimizer(adam) if scaled else adam, run_eagerly=True)
    model.fit(X, epochs=1, batch_size=len(X), verbose=0)
    model.save(tmp_path / "model.keras")
    for each in (model, kae.load(tmp_path / "model.keras")):
        found = each.discriminator_optimizer
        found = found.inner_optimizer if scaled else found
        assert found.beta_1 == 0.5
        for step in (0, 5, 20):
            kl = found._learning_rate(step)
            assert float(kl) == pytest.approx(0.1 * float(adam._learning_rate(step)))
    model.compile(keras.optimizers.Adam(0.01))
    assert model.discriminator_optimizer.get_config()["learning_rate"] == pytest.approx(0.001)


def test_a_discriminator_that_learns_alone_gets_better():
    model = make(optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.Adam(0.03))
    history = fit(model, epochs=15)["discriminator"]
    assert history[-1] < 0.8 * history[0]


@pytest.mark.slow
def test_a_file_resumes_both_optimizers_exactly(tmp_path):
    """The conformance tests have it of the weights of every model."""
    whole, half = make(), make()
    fit(whole, epochs=2)
    fit(half, epochs=1)
    half.save(tmp_path / "half.keras")
    resumed = kae.load(tmp_path / "half.keras")
    assert isinstance(resumed.discriminator_optimizer, keras.optimizers.SGD)
    assert_same(half, resumed)
    fit(resumed, epochs=2, initial_epoch=1)
    assert_same(whole, resumed)


class CrashError(Exception):
    pass


class Crash(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise CrashError


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    whole, resumed = make(), make()
    fit(whole, epochs=4)
    with pytest.raises(CrashError):
        fit(make(), epochs=4, callbacks=[BackupAndRestore(tmp_path / "backup"), Crash()])
    fit(resumed, epochs=4, callbacks=[BackupAndRestore(tmp_path / "backup")])
    assert_same(whole, resumed)


@keras.saving.register_keras_serializable(package="tests")
class Poisoned(AdversarialMatching):
    """Of which the loss of the discriminator is NaN in one step."""

    def call(self, x, posterior, prior, likelihood, step_context):
        terms = super().call(x, posterior, prior, likelihood, step_context)
        poison = tf.where(tf.cast(step_context.step, tf.int32) == 5, float("nan"), 0.0)
        return {**terms, "discriminator": terms["discriminator"] + poison}


@pytest.mark.slow
def test_a_discriminator_that_fails_leaves_both_sides_at_the_last_good_step():
    model, good = make(), make(steps_per_execution=1)
    model.objective.__class__ = Poisoned
    with pytest.raises(FloatingPointError, match="step 6, in epoch 2: `discriminator` is nan"):
        fit(model)
    fit(good, epochs=1, steps_per_epoch=5)
    assert int(model.optimizer.iterations) == int(model.discriminator_optimizer.iterations) == 5
    for a, b in zip(model.variables, good.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    for a, b in zip(model.optimizer_variables, good.optimizer_variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.bfloat16
@pytest.mark.parametrize("policy, name", first(1, [("mixed_float16", "gan"), ("mixed_bfloat16", "factor")]))
def test_mixed_precision(policy, name):
    """Under float16 each optimizer finds the scale of its own loss, and leaves out the steps that overflow."""
    keras.config.set_dtype_policy(policy)
    try:
        model = make(name)
        terms = model.terms(tf.constant(X), None, StepContext(tf.constant([0, 0]), training=True))
        assert {values.dtype for values in terms.values()} == {tf.float32}
        before = sides(model)
        history = fit(model)
        fit(model, epochs=1)  # the optimizers keep their states
        assert all(np.isfinite(values).all() for values in history.values())
        for old, new in zip(before, sides(model), strict=True):
            assert any(not np.array_equal(a, b) for a, b in zip(old, new, strict=True))
        both = model.optimizer, model.discriminator_optimizer
        scaled = [isinstance(optimizer, keras.optimizers.LossScaleOptimizer) for optimizer in both]
        assert scaled == [policy == "mixed_float16"] * 2
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_gradient_that_overflows_float16_skips_the_step_of_its_side_alone():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        overflowing = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 1e30)
        model = make(discriminator_optimizer=overflowing, **EAGER)
        before = sides(model)
        fit(model, epochs=1)
        own, theirs = sides(model)
        assert all(np.isfinite(weight).all() for weight in (*own, *theirs))
        assert any(not np.array_equal(a, b) for a, b in zip(before[0], own, strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(before[1], theirs, strict=True))
        assert float(model.discriminator_optimizer.dynamic_scale) < 1e30
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_a_fit_whose_steps_all_overflow_float16_ends_as_one_with_examples(run_eagerly):
    """The scale of the loss is still too large after it; the next call goes on from there."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = kae.models.AE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
        scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 1e30)
        model.compile(scaled, run_eagerly=run_eagerly, jit_compile=False)
        assert np.isfinite(model.fit(X, epochs=2, batch_size=len(X), verbose=0).history["loss"]).all()
        assert int(scaled.iterations) == 0 and float(scaled.dynamic_scale) < 1e30
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.slow
def test_layers_of_a_discriminator_know_training_from_evaluation():
    network = keras.Sequential(
        [keras.layers.Dense(6, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1)]
    )
    model = make("gan", discriminator=network, **EAGER)
    states = [[v.numpy() for v in network.non_trainable_variables]]
    fit(model, epochs=1)
    states.append([v.numpy() for v in network.non_trainable_variables])
    first, second = (model.evaluate(X, verbose=0) for _ in range(2))
    states.append([v.numpy() for v in network.non_trainable_variables])
    assert first == second
    assert all(not np.array_equal(a, b) for a, b in zip(states[0], states[1], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(states[1], states[2], strict=True))


def test_both_sides_end_with_their_moving_averages():
    averaging = [keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7) for _ in range(2)]
    model = make(optimizer=averaging[0], discriminator_optimizer=averaging[1], **EAGER)
    seen = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(sides(self.model))

    fit(model, epochs=1, callbacks=[Keep()])
    for optimizer, raw, final in zip(averaging, seen[-1], sides(model), strict=True):
        for a, b, average in zip(raw, final, optimizer._model_variables_moving_average, strict=True):
            np.testing.assert_array_equal(b, average)
            assert not np.array_equal(a, b)


@pytest.mark.slow
def test_moving_averages_of_the_model_leave_the_discriminator_alone():
    plain, averaged = (
        make(optimizer=keras.optimizers.Adam(0.01, use_ema=use, ema_momentum=0.7)) for use in (False, True)
    )
    for model in (plain, averaged):
        fit(model)
    (own, theirs), (mean, same) = sides(plain), sides(averaged)
    for a, b in zip(theirs, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # rounding: a step with averages is another program
    assert all(not np.array_equal(a, b) for a, b in zip(own, mean, strict=True))
