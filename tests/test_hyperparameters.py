"""Hyperparameters may be assigned at any time; what else a constructor takes is honored or refused, never ignored."""

import copy
import operator

import keras
import numpy as np
import pytest
import tensorflow as tf
from subjects import in_short_run, make
from test_wrong_arguments import needed
from tiers import first

import keras_ae as kae
from keras_ae.hyperparameters import arguments_of
from keras_ae.models import MODELS
from keras_ae.run.assembly import PARTS, SCHEDULES, arguments
from keras_ae.schedules import CyclicalWarmUp, LinearWarmUp
from keras_ae.step_context import StepContext

X = np.random.default_rng(0).random((24, 6)).astype("float32")
TABLES = {**PARTS, "schedule": SCHEDULES, "model": MODELS}
CLASSES = {cls: f"{kind}-{name}" for kind, table in TABLES.items() for name, cls in table.items()}
CLASSES = {cls: name for cls, name in CLASSES.items() if isinstance(cls, type)}
# Numbers that are used once, by `fit_sampler`.
OF_ONE_FIT = {"learning_rate", "bandwidth"}


@pytest.fixture(scope="module")
def made():
    """An instance of each class, with its defaults."""
    return {cls: cls(**needed(cls)) for cls in CLASSES}


def trained(cls=kae.models.BetaVAE, *, compiled=None, **arguments):
    """A tiny model, and a list that gets longer with every trace of a step."""
    model = cls(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, **arguments)
    model.compile(**{"jit_compile": False, **(compiled or {})})
    return model, counted(model)


def counted(model):
    traces, terms = [], model.terms
    model.terms = lambda *args, **kwargs: traces.append(1) or terms(*args, **kwargs)
    return traces


class Assigning(keras.callbacks.Callback):
    """Anneals by hand, as most people do."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.objective.beta = 10.0**epoch


@pytest.mark.parametrize("cls", CLASSES, ids=CLASSES.values())
def test_every_number_of_every_constructor_may_be_assigned(made, cls):
    part = made[cls]
    numbers = {name for name, default in arguments(cls).items() if isinstance(default, float)} - OF_ONE_FIT
    assert numbers <= set(part.assignable())


@pytest.mark.parametrize("cls", CLASSES, ids=CLASSES.values())
def test_what_is_fixed_is_refused_and_what_is_wrong_is_refused_as_by_the_constructor(made, cls):
    part = made[cls]
    for name in arguments_of(cls) - set(part.assignable()):
        with pytest.raises(ValueError, match=rf"^`{name}` is fixed when an? \w+ is made.*Received: {name}=3$"):
            setattr(part, name, 3)
    for name in set(arguments(cls)) & set(part.assignable()):
        before = getattr(part, name)
        for wrong in (-1, "no_such", float("nan"), True):
            try:
                setattr(part, name, wrong)
            except ValueError as error:
                sentence = str(error)
            else:
                assert wrong == -1 and (cls in SCHEDULES.values() or name in ("alpha", "lambda_"))
                setattr(part, name, before)
                continue
            assert getattr(part, name) == before
            if "must stay" in sentence:  # as the parts or the terms that were chosen by it
                continue
            with pytest.raises(ValueError) as constructed:
                cls(**{**needed(cls), name: wrong})
            assert sentence.replace("-1.0", "-1") == str(constructed.value).replace("-1.0", "-1")


@pytest.mark.parametrize("name", in_short_run("joint_vae"))
def test_assigned_numbers_are_used_without_another_trace_and_are_what_the_config_holds(name):
    model, values = make(name, jit_compile=False)
    x = np.random.default_rng(1).random((24, 5, 4, 2)).astype("float32")
    values = keras.tree.map_structure(lambda v: v[:24], values)
    traces = counted(model)
    before = model.evaluate(x, values, batch_size=12, verbose=0, return_dict=True)
    num, changed = len(traces), {}
    for path in model.assignable():
        owner = operator.attrgetter(path.rpartition(".")[0])(model) if "." in path else model
        name = path.rpartition(".")[2]
        value = getattr(owner, name)
        if isinstance(value, LinearWarmUp):
            owner, name, value = value, "start", 3.0
        if isinstance(value, float) and value not in (0.0, 1.0):
            changed[path] = 0.5 * value
            setattr(owner, name, changed[path])
    assert changed or not any(isinstance(value, float) for value in arguments(type(model)).values())
    after = model.evaluate(x, values, batch_size=12, verbose=0, return_dict=True)
    assert len(traces) == num
    again = type(model).from_config(model.get_config())
    again.compile(jit_compile=False)
    again.build(model.get_build_config()["input_shape"])
    again.set_weights(model.get_weights())
    expected = again.evaluate(x, values, batch_size=12, verbose=0, return_dict=True)
    assert after == pytest.approx(expected, rel=1e-4, abs=1e-5)
    if set(changed) - {"decay", "revive_below", "alpha"}:  # which are for training
        assert after["loss"] != before["loss"]


@pytest.mark.parametrize(
    "compiled, retraced",
    first(
        1,
        [
            ({"jit_compile": True, "steps_per_execution": 2}, 1),
            ({"run_eagerly": True}, None),
            ({"jit_compile": False, "steps_per_execution": 2}, 1),
            ({"jit_compile": False, "steps_per_execution": 1}, 1),
        ],
    ),
    ids=["XLA", "eager", "graph", "steps"],
)
def test_annealing_by_hand_is_what_is_trained_validated_and_saved(compiled, retraced):
    model, traces = trained(beta=1.0, compiled=compiled)
    logs = model.fit(X, batch_size=12, epochs=3, verbose=0, validation_data=(X,), callbacks=[Assigning()]).history
    for prefix in ("", "val_"):
        expected = np.array(logs[f"{prefix}reconstruction"]) + 10.0 ** np.arange(3) * logs[f"{prefix}kl"]
        np.testing.assert_allclose(logs[f"{prefix}loss"], expected, rtol=1e-5)
    assert retraced is None or len(traces) <= 4  # training and validation, which Keras may trace twice
    assert model.get_config()["beta"] == model.beta == 100.0


def test_an_assigned_number_survives_saving_and_copies_and_leaves_the_weights_alone(tmp_path):
    model, _ = trained(likelihood=kae.likelihoods.Normal(1.0))
    model.fit(X, verbose=0)
    num = len(model.weights)
    model.beta, model.likelihood_layer.scale = 50, 0.5
    loss = model.evaluate(X, verbose=0)
    model.save(tmp_path / "m.keras")
    for other in (kae.load(tmp_path / "m.keras"), copy.deepcopy(model)):
        assert (other.beta, other.likelihood_layer.scale, len(other.weights)) == (50.0, 0.5, num)
        np.testing.assert_allclose(other.evaluate(X, verbose=0), loss, rtol=1e-5)


@pytest.mark.slow
def test_a_schedule_in_place_of_a_number_is_traced_once_and_its_own_numbers_are_not():
    model, traces = trained()
    model.fit(X, verbose=0)
    model.beta = LinearWarmUp(100, start=2.0, end=2.0)
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 2.0)
    assert len(traces) == 2
    model.beta.start = model.beta.end = 7.0
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 7.0)
    assert len(traces) == 2
    model.beta = keras.optimizers.schedules.PolynomialDecay(3.0, 10, 3.0)
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 3.0)
    model.beta.initial_learning_rate = model.beta.end_learning_rate = 4.0
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 4.0)
    model.beta = CyclicalWarmUp(10, start=5.0, end=5.0)
    model.beta.period = 3
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 5.0)
    model.beta.end = -1.0
    with pytest.raises(ValueError, match=r"`beta` must be >= 0 at every step. Received: CyclicalWarmUp, -1 at step"):
        model.fit(X, verbose=0)


def loss_of(logs, beta):
    return pytest.approx(logs["reconstruction"][0] + beta * logs["kl"][0], rel=1e-5)


def test_free_bits_may_be_switched_on_where_there_is_a_closed_form_alone():
    model, traces = trained(beta=1.0)
    plain = model.fit(X, verbose=0).history
    model.free_bits = 5.0
    held = model.fit(X, verbose=0).history
    assert held["loss"][0] == pytest.approx(held["reconstruction"][0] + 10.0, rel=1e-5) and len(traces) == 2
    model.free_bits = 6.0
    assert model.fit(X, verbose=0).history["loss"][0] > plain["loss"][0] + 5.0 and len(traces) == 2
    other, _ = trained(kae.models.VAE, prior="real_nvp")
    other.objective.free_bits = 1.0
    with pytest.raises(ValueError, match="`free_bits` needs a posterior and a prior that factorize"):
        other.fit(X, verbose=0)


def test_the_seed_of_a_model_may_be_assigned():
    runs = []
    for seed in (0, 5):
        keras.utils.set_random_seed(1)
        model, _ = trained(seed=0)
        first = model.evaluate(X, verbose=0)
        model.seed = seed
        runs.append((first, model.evaluate(X, verbose=0)))
    assert runs[0][0] == runs[0][1] == runs[1][0] != runs[1][1]
    assert model.get_config()["seed"] == 5


def test_a_model_with_defaults_shares_no_schedule():
    first, second = kae.models.AnnealedVAE(latent_dim=2), kae.models.AnnealedVAE(latent_dim=2)
    first.capacity.end = 3.0
    assert second.capacity.end == kae.models.AnnealedVAE(latent_dim=2).capacity.end == 25.0


def test_objectives_of_others_may_declare_hyperparameters_and_their_plain_numbers_are_honored():
    class Weighted(kae.objectives.ELBO):
        weight = kae.Hyperparameter(lambda name, value: float(value))

        def __init__(self, weight=1.0, plain=1.0, **kwargs):
            super().__init__(**kwargs)
            self.weight, self.plain = weight, plain

        def penalty(self, kl, posterior, prior, step):
            return self.plain * self.weight * kl

    model, traces = trained(kae.models.VAE, objective=Weighted())
    model.fit(X, verbose=0)
    model.objective.weight = 3.0
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 3.0)
    assert len(traces) == 1
    model.objective.plain = 2.0
    assert model.fit(X, verbose=0).history["loss"][0] == loss_of(model.history.history, 6.0)
    assert len(traces) == 2


def test_steps_of_loops_of_ones_own_use_the_numbers_that_they_were_traced_with():
    model, _ = trained(beta=1.0)
    model.fit(X, verbose=0)
    model.beta = 3.0
    terms = tf.function(lambda x: model.terms(x, None, StepContext(tf.constant([1, 2]))))(tf.constant(X))
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + 3.0 * terms["kl"], rtol=1e-5)
