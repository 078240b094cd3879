"""Every public model passes the same checks. One row a model, in `subjects.py`; a model without a row fails."""

import json
import math
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from subjects import (
    CONFIGS,
    EVENT,
    FILES,
    LABELS,
    NAMES,
    TABLE,
    TRAINED,
    TRAINED_EAGERLY,
    X,
    in_short_run,
    in_the_middle,
    make,
    prepare,
    rows,
    shown,
    to_learn,
    trained,
    trained_eagerly,
)

import keras_ae as kae
from keras_ae.export.signatures import server, signature
from keras_ae.export.verification.probes import server_probes
from keras_ae.models import MODELS
from keras_ae.step_context import StepContext
from keras_ae.training.stacks import Batch
from keras_ae.training.step import evaluated, gradients

SEED = tf.constant([3, 4], tf.int32)


def test_every_public_model_has_a_row():
    assert set(TABLE) == set(MODELS)
    assert {cls.__name__ for cls in MODELS.values()} == set(kae.models.__all__) - {"MODELS"}


@pytest.mark.parametrize("name", TRAINED)
def test_fit_lowers_the_loss_in_a_loop_that_xla_compiled(name):
    losses = trained(name)[2]
    assert losses[-1] < 0.97 * losses[0]


@pytest.mark.parametrize("name", in_short_run("cvae"))
def test_fit_lowers_the_loss_in_a_graph_that_xla_does_not_compile(name):
    model, values = make(name, TABLE[name].conditions[0], jit_compile=False)
    assert not (model.jit_compile or model.run_eagerly)
    losses = model.fit(X, to_learn(name, values), epochs=8, batch_size=16, verbose=0).history[shown(model)]
    assert losses[-1] < 0.97 * losses[0]


@pytest.mark.parametrize("name", TRAINED_EAGERLY)
def test_fit_lowers_the_loss_step_by_step_without_a_graph(name):
    losses = trained_eagerly(name, in_the_middle(name))[2]
    assert losses[-1] < losses[0]


@pytest.fixture(scope="module")
def distributed(request, processes, tmp_path_factory):
    """The losses of all models that are asked for: one process trains them."""
    tests = [item for item in request.session.items if "distributed" in item.fixturenames]
    names = sorted({item.callspec.params["name"] for item in tests})
    folder = tmp_path_factory.mktemp("distributed")
    script = pathlib.Path(__file__).with_name("distributed_script.py")
    processes.run(folder, script, "losses.json", *names, seconds=500)
    return json.loads((folder / "losses.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_fit_lowers_the_loss_on_two_devices(distributed, name):
    assert distributed[name][-1] < distributed[name][0]


@pytest.mark.parametrize("name", TRAINED_EAGERLY)
def test_evaluation_has_the_definition_of_training(name):
    """The same terms of the same examples with the same noise; and `evaluate` is their mean."""
    model, values = make(name, run_eagerly=True)
    values = to_learn(name, values)
    model.fit(X[:8], rows(values, 8), batch_size=8, verbose=0)
    x, condition = X[:16], rows(values, 16)
    evaluation, training = (model.terms(x, condition, StepContext(SEED, training=mode)) for mode in (False, True))
    assert set(training) == {tracker.name for tracker in model.trackers}
    for key, term in training.items():
        assert term.shape == (16,) and term.dtype == tf.float32
        np.testing.assert_allclose(evaluation[key], term, rtol=1e-5, atol=1e-5)
    model.reset_metrics()
    expected = evaluated(model, Batch(x, condition, None, 16))[0]  # before anything was counted, as at its start
    for key, value in model.evaluate(x, condition, batch_size=16, verbose=0, return_dict=True).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-5, atol=1e-6)


def loss_and_gradients(name, batches):
    """Those of batches (x [12, ...], weight [12], count), each from the same weights with the same noise."""
    model, values = make(name, run_eagerly=True)
    condition = rows(values, 12)
    prepare(model, X[:12], condition)
    condition = to_learn(name, condition)
    state = model.get_weights()
    for x, weight, count in batches:
        model.set_weights(state)  # a codebook learns from each batch
        means, found = gradients(model, Batch(tf.constant(x), condition, tf.constant(weight), count))
        yield [means["loss"], *found]


@pytest.mark.parametrize("name", in_short_run("cvae", "vqvae", "ladder_vae"))
def test_examples_without_weight_change_nothing(name):
    """The rows that fill a smaller batch, and those that a user gives no weight, whatever they hold."""
    batches = [(np.concatenate([X[:8], others]), [1.0] * 8 + [0.0] * 4, 8) for others in (X[8:12], X[20:24])]
    for first, second in zip(*loss_and_gradients(name, batches), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", in_short_run("cvae", "vqvae", "ladder_vae"))
def test_examples_of_twice_the_weight_count_twice(name):
    for one, two in zip(*loss_and_gradients(name, [(X[:12], [w] * 12, 12) for w in (1.0, 2.0)]), strict=True):
        np.testing.assert_allclose(two, 2 * np.array(one), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "condition"), FILES)
def test_file_round_trip_gives_equal_outputs_and_exact_resume(name, condition, tmp_path):
    model, values, losses = trained_eagerly(name, condition)
    model.save(tmp_path / "model.keras")
    loaded = kae.load(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(loaded.reconstruct(X, values), model.reconstruct(X, values))
    for each in (model, loaded):
        learned = {"epochs": len(losses) + 1, "initial_epoch": len(losses), "batch_size": 48}
        each.fit(X, to_learn(name, values), **learned, verbose=0)
    for a, b in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer_variables, loaded.optimizer_variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "condition"), CONFIGS)
def test_config_round_trip_gives_the_same_config(name, condition):
    model, _ = make(name, condition)
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize("name", in_short_run("cvae"))
def test_other_parts_and_shapes_serve_every_model(name):
    """Images, sequences and volumes with convolutions, and vectors; with another likelihood. All survive the config."""
    row = TABLE[name]
    for shape in EVENT, (10, 4), (5, 2, 2, 2), (7,):
        x = X.reshape(len(X), -1)[:, : math.prod(shape)].reshape(-1, *shape)
        networks = {"encoder": kae.networks.ConvEncoder([3]), "decoder": kae.networks.ConvDecoder([3], kernel_size=5)}
        networks = networks if len(shape) > 1 else {}
        parts = {**networks, "likelihood": kae.likelihoods.Normal("pixel"), "seed": 9, "latent_dim": 2}
        condition = {} if row.conditions == ("none",) else {"condition": kae.Categorical(3)}
        model = MODELS[name](**(parts | row.arguments() | condition))
        model.compile(run_eagerly=True)
        values = LABELS[:16] if condition else None
        model.fit(x[:16], to_learn(name, values), verbose=0)
        assert model.reconstruct(x[:16], values).shape == x[:16].shape
        again = type(model).from_config(model.get_config())
        assert again.get_config() == model.get_config() and (again.seed, again.likelihood_layer.scale) == (9, "pixel")


@pytest.mark.bfloat16
@pytest.mark.parametrize("name", in_short_run("vqvae"))
def test_mixed_precision_keeps_the_terms_in_float32(name):
    """And their values those of the same weights in float32, as far as networks with 8 bits of mantissa can tell."""
    losses, weights = [], None
    for policy in ("mixed_bfloat16", "float32"):
        keras.mixed_precision.set_dtype_policy(policy)
        try:
            model, values = make(name, run_eagerly=True)
            condition = rows(to_learn(name, values), 16)
            model.fit(X[:16], condition, batch_size=16, verbose=0)
            weights = model.get_weights() if weights is None else weights
            model.set_weights(weights)
            terms = model.terms(X[:16], condition, StepContext(SEED, training=True))
        finally:
            keras.mixed_precision.set_dtype_policy("float32")
        assert {term.dtype for term in terms.values()} == {tf.float32}
        losses.append(np.mean(terms["loss"]))
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.01)  # seen: 7e-3 at most


@pytest.mark.bfloat16
@pytest.mark.parametrize("name", in_short_run("cvae", "vqvae"))
def test_mixed_precision_keeps_distributions_in_float32(name):
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model, values = make(name, run_eagerly=True)
        x, condition = X[:4], rows(values, 4)
        prepare(model, x, condition)
        distributions = [model.posterior(x, condition), model.likelihood(model.encode(x, condition), condition)]
        if model.prior_layer is not None:
            distributions.append(model.prior(condition))
        for distribution in distributions:
            assert {part.dtype for part in keras.tree.flatten(distribution.sample(seed=1))} == {tf.float32}
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


@pytest.mark.parametrize("name", TRAINED)
def test_samples_are_seeded(name):
    model, values, _ = trained(name)
    first, second, other = (model.sample(4, rows(values, 4), seed=seed).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-4


@pytest.mark.parametrize("name", TRAINED)
def test_saved_model_gives_what_the_model_gives(name, tmp_path):
    """`tests/export` has the other process that `kae.export.saved_model` asks."""
    model = trained(name)[0]
    signature.write(tmp_path / "1", server.ServerSignatures(model, 16).all())
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    condition = keras.tree.flatten(rows(trained(name)[1], 4))
    expected = model.reconstruct(X[:4], rows(trained(name)[1], 4))
    np.testing.assert_allclose(loaded.serve(X[:4], *condition), expected, rtol=1e-4, atol=1e-5)
    for probe in server_probes(model):
        found = loaded.signatures[probe.signature](**{key: tf.constant(value) for key, value in probe.inputs.items()})
        for key, expected in probe.outputs.items():
            np.testing.assert_allclose(found[key], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_litert_gives_what_the_model_gives(name, tmp_path):
    card = kae.export.litert(trained(name)[0], tmp_path / "model.tflite", encoder=True)
    assert card.model["event_shape"] == list(EVENT)
    assert all(output["max"] < 1e-4 for outputs in card.errors.values() for output in outputs.values())


@pytest.fixture(scope="module")
def importing():
    """Of a process that imports the libraries and then all models: seconds of each module alone, and new packages."""
    code = """
import sys, tensorflow, keras, tensorflow_probability
before = {name.partition(".")[0] for name in sys.modules}
import keras_ae.models
print(*sorted({name.partition(".")[0] for name in sys.modules} - before))
"""
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    lines = re.findall(r"import time: +(\d+) \| +\d+ \| +(\S+)", done.stderr)
    return {name: int(microseconds) / 1e6 for microseconds, name in lines}, done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_importing_a_model_takes_little_beside_the_libraries(importing, name):
    """Less than a thousandth is usual; a hundredth would say that something heavy is loaded or made."""
    seconds, packages = importing
    assert packages == ["keras_ae"]
    libraries = sum(value for key, value in seconds.items() if not key.startswith("keras_ae"))
    assert seconds[MODELS[name].__module__] < 0.01 * libraries
