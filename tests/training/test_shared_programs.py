"""Models with equal graphs share a compiled program, and train the same weights as with a program for each."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ae as kae
from keras_ae.training import shared_programs, stacks
from keras_ae.training.shared_programs import SharedProgram, fingerprint
from tests import subjects


@pytest.fixture
def programs(monkeypatch):
    """The programs of this process, none at first; functions share them without XLA too, which takes longer."""
    found = shared_programs._Programs()
    monkeypatch.setattr(shared_programs, "_PROGRAMS", found)
    looped = stacks.looped

    def shared(*args, jit_compile):
        function = looped(*args, jit_compile=jit_compile)
        return function if jit_compile else SharedProgram(function)

    monkeypatch.setattr("keras_ae.training.train_function.looped", shared)
    return found.programs


def trained(seed=0, beta=1.0, rate=0.01, width=8, activation="relu", epochs=2, **options):
    """A small VAE after a few steps."""
    networks = [kae.networks.MLP([width], activation=activation) for _ in range(2)]
    model = kae.models.BetaVAE(*networks, latent_dim=2, beta=beta, seed=seed)
    model.compile(keras.optimizers.Adam(rate), **options)
    model.fit(subjects.X, batch_size=16, epochs=epochs, verbose=0)
    return model


def weights(model):
    return [weight.numpy() for weight in model.weights]


def test_a_sweep_over_seeds_rates_and_hyperparameters_has_one_program(programs, monkeypatch):
    trained(seed=1)
    shared = weights(trained(seed=2, beta=4.0, rate=0.02))
    assert len(programs) == 1
    monkeypatch.setattr("keras_ae.training.train_function.looped", stacks.looped)  # each has its own
    for value, other in zip(shared, weights(trained(seed=2, beta=4.0, rate=0.02)), strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-5, atol=1e-6)  # another function may be fused differently
    assert len(programs) == 1


@pytest.mark.parametrize("change", [{"width": 9}, {"activation": "tanh"}], ids=str)
def test_other_graphs_have_other_programs(programs, change):
    trained()
    trained(**change)
    assert len(programs) == 2


@pytest.mark.xla
def test_programs_of_xla_are_shared(programs):
    """Also by two models that train in turn, whose weights the program does not mix up."""
    first, second = trained(seed=1), trained(seed=2)
    for model in (first, second):
        model.fit(subjects.X, batch_size=16, epochs=1, verbose=0)
    assert len(programs) == 1
    programs.clear()
    alone = trained(seed=2)
    alone.fit(subjects.X, batch_size=16, epochs=1, verbose=0)
    for value, other in zip(weights(second), weights(alone), strict=True):
        np.testing.assert_array_equal(value, other)


def test_a_deleted_model_leaves_no_weights(programs):
    model = trained()
    kept = weakref.ref(model), weakref.ref(model.encoder.layers[0].kernel)
    del model
    gc.collect()
    assert len(programs) == 1
    assert [reference() for reference in kept] == [None, None]
    trained(seed=1)
    assert len(programs) == 1


def test_the_least_recently_used_program_is_forgotten(programs, monkeypatch):
    monkeypatch.setattr(shared_programs, "_MOST", 2)

    def times(factor):
        shared = SharedProgram(tf.function(lambda x: factor * x, autograph=False))
        assert float(shared(tf.ones([]))) == factor
        return list(programs)

    (first,) = times(1.0)
    _, second = times(2.0)
    assert times(1.0) == [second, first]
    assert times(3.0)[0] == first
    assert len(programs) == 2


@pytest.mark.parametrize("name", subjects.in_short_run("flow_prior_vae"))
def test_every_model_trains_as_alone(name, programs):
    """The second model of a process has the program of the first, and what it learns if it is the first."""

    def learned(model, values):
        model.fit(subjects.X, subjects.to_learn(name, values), epochs=2, batch_size=16, verbose=0)
        return weights(model), model.evaluate(subjects.X, subjects.to_learn(name, values), batch_size=16, verbose=0)

    first = learned(*subjects.make(name, jit_compile=False))
    before = len(programs)
    second = learned(*subjects.make(name, jit_compile=False))
    assert len(programs) == before
    for value, other in zip([*first[0], first[1]], [*second[0], second[1]], strict=True):
        np.testing.assert_array_equal(value, other)


def traced(function, *shapes):
    return tf.function(function, autograph=False).get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes))


@pytest.mark.parametrize(
    "other",
    [
        lambda x, y: x - y,
        lambda x, y: y - 2.0 * x,
        lambda x, y: x - 3.0 * y,
        lambda x, y: tf.stop_gradient(x) - 2.0 * y,
        lambda x, y: (x - 2.0 * y, x),
        lambda x, y: tf.while_loop(lambda i, z: i < 3, lambda i, z: (i + 1, z - y), (0, x))[1],
    ],
)
def test_fingerprints_differ_where_graphs_do(other):
    def function(x, y):
        return x - 2.0 * y

    assert fingerprint(traced(function, [2], [2])) == fingerprint(traced(lambda x, y: x - 2.0 * y, [2], [2]))
    assert fingerprint(traced(function, [2], [2])) != fingerprint(traced(other, [2], [2]))


@pytest.mark.parametrize(
    ("first", "second"), [((3, 1.0), (4, 1.0)), ((3, 1.0), (3, 2.0)), ((3, 1.0), (3, 1.0))], ids=str
)
def test_fingerprints_see_into_the_functions_that_are_called(first, second):
    def loop(steps, add):
        return traced(lambda x: tf.while_loop(lambda i, z: i < steps, lambda i, z: (i + 1, z + add), (0, x))[1], [2])

    assert (fingerprint(loop(*first)) == fingerprint(loop(*second))) == (first == second)


def test_names_of_outputs_are_those_of_each_model(programs):
    for name in ("first", "second"):
        metric = keras.metrics.MeanSquaredError(name=name)
        model = trained(epochs=1, metrics=[metric])
        found = model.evaluate(subjects.X, batch_size=16, verbose=0, return_dict=True)
        assert name in found
        assert name in model.get_metrics_result()
    shared = [SharedProgram(tf.function(lambda x, name=name: {name: x + 1.0}, autograph=False)) for name in "ab"]
    assert [list(function(tf.ones([]))) for function in shared] == [["a"], ["b"]]


def test_none_and_other_shapes_are_traced_again(programs):
    calls = []

    def function(x, y):
        calls.append(x.shape)
        return x if y is None else x + y

    shared = SharedProgram(tf.function(function, autograph=False))
    for _ in range(2):
        assert float(shared(tf.ones([]), None)) == 1.0
        assert float(shared(tf.ones([]), tf.ones([]))) == 2.0
        assert shared(tf.ones([3]), None).shape == (3,)
    assert len(calls) == len(programs) == 3
