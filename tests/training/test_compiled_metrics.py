"""Keras metrics of (x, mean reconstruction), as `compile` takes them."""

import copy
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from subjects import X as PICTURES
from subjects import in_short_run, make, to_learn
from tiers import first

import keras_ae as kae
from keras_ae.models import MODELS

X = np.random.default_rng(0).random((23, 4, 2)).astype("float32")
WEIGHTS = np.linspace(0.5, 2.0, 23).astype("float32")
BASES = [base.__name__ for base in kae.Autoencoder.__mro__[1:] if base.__module__.startswith("keras_ae.")]
PRIVATE = (*BASES, "Part.", "_Constructed", "CurrentValues", "CompiledMetrics")


@keras.saving.register_keras_serializable(package="tests")
def psnr(x, y):
    return tf.image.psnr(x[..., tf.newaxis], y[..., tf.newaxis], 1.0)


def compiled(cls=kae.models.VAE, **arguments):
    arguments = {"metrics": ["mse", "AUC", psnr], "weighted_metrics": ["mse"], "jit_compile": False, **arguments}
    model = cls(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.compile(keras.optimizers.SGD(0.0), **arguments)  # so that an epoch has the same weights throughout
    return model


def expected(model, x=X, weight=WEIGHTS):
    reconstruction = np.asarray(model(x))
    error = np.mean((x - reconstruction) ** 2, axis=(1, 2))
    return {
        "mse": error.mean(),
        "psnr": np.mean(psnr(x, reconstruction)),
        "weighted_mse": np.average(error, weights=weight),
    }


@pytest.mark.parametrize(
    "arguments",
    first(1, [{}, {"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 1}]),
    ids=["graph", "eager", "XLA", "steps"],
)
def test_metrics_are_those_of_the_reconstruction_in_training_validation_and_evaluation(arguments):
    """The last batch is smaller: rows that fill it do not count."""
    model = compiled(**arguments)
    kept = (X[:7], None, WEIGHTS[:7])
    logs = model.fit(X, sample_weight=WEIGHTS, batch_size=8, verbose=0, validation_data=kept).history
    evaluated = model.evaluate(X, sample_weight=WEIGHTS, batch_size=8, verbose=0, return_dict=True)
    for name, value in expected(model).items():
        assert logs[name][0] == pytest.approx(value, rel=1e-5)
        assert evaluated[name] == pytest.approx(value, rel=1e-5)
    for name, value in expected(model, X[:7], WEIGHTS[:7]).items():
        assert logs[f"val_{name}"][0] == pytest.approx(value, rel=1e-5)
    assert 0.0 <= evaluated["AUC"] <= 1.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras says it of every unknown length
def test_a_stream_is_measured_as_arrays_are():
    model = compiled()
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(8)
    logs = model.fit(dataset, verbose=0).history
    assert logs["mse"][0] == pytest.approx(expected(model)["mse"], rel=1e-5)
    generated = model.fit((X[i : i + 8] for i in range(0, 23, 8)), shuffle=False, verbose=0).history
    assert generated["mse"][0] == pytest.approx(expected(model)["mse"], rel=1e-5)
    values = model.evaluate(dataset, verbose=0)
    assert values[[metric.name for metric in model.metrics].index("mse")] == pytest.approx(logs["mse"][0], rel=1e-5)
    one = model.test_on_batch(X[:8], return_dict=True)
    assert one["mse"] == pytest.approx(expected(model, X[:8], None)["mse"], rel=1e-5)


@pytest.mark.slow
def test_metrics_are_saved_and_leave_the_weights_of_the_file_alone(tmp_path):
    model, plain = compiled(), compiled(metrics=None, weighted_metrics=None)
    for each, name in ((model, "metrics"), (plain, "plain")):
        each.fit(X, verbose=0)
        each.save_weights(tmp_path / f"{name}.weights.h5")
    plain.load_weights(tmp_path / "metrics.weights.h5")
    model.save(tmp_path / "m.keras")
    for other in (kae.load(tmp_path / "m.keras"), copy.deepcopy(model)):
        logs = other.evaluate(X, sample_weight=WEIGHTS, verbose=0, return_dict=True)
        assert {name: logs[name] for name in expected(model)} == pytest.approx(expected(model), rel=1e-5)


def test_what_cannot_be_loaded_is_not_saved_and_is_said(tmp_path):
    model = compiled(metrics=["mae", lambda x, y: tf.reduce_mean(x - y, axis=(1, 2))], weighted_metrics=None)
    model.fit(X, verbose=0)
    with pytest.warns(UserWarning, match="`metrics` <lambda> cannot be saved with the model: register with"):
        model.save(tmp_path / "m.keras")
    assert "mae" in kae.load(tmp_path / "m.keras").evaluate(X, verbose=0, return_dict=True)


def test_an_infinite_metric_does_not_stop_the_training():
    def infinite(x, y):
        return tf.fill([tf.shape(x)[0]], np.inf)

    logs = compiled(metrics=[infinite], weighted_metrics=None).fit(X, verbose=0).history
    assert not np.isfinite(logs["infinite"][0]) and np.isfinite(logs["loss"]).all()


class WithoutWeights(keras.metrics.Metric):
    def update_state(self, x, y):
        pass


@pytest.mark.parametrize(
    "metrics, message",
    [
        (["no_such"], "`metrics` must be a list of Keras metrics .* Received: 'no_such'"),
        (["accuracy"], 'take "binary_accuracy".*Received'),
        ([3], "`metrics` must be a list of Keras metrics .* Received: 3"),
        ({"mse": "mse"}, "`metrics` must be a list"),
        ([keras.losses.MeanSquaredError()], "`metrics` must be a list"),
        ([keras.metrics.AUC], "`metrics` must be a list"),
        (["mse", "mse"], "`metrics` must have unique names.*Received: mse"),
        ([keras.metrics.MeanSquaredError(name="kl")], "`metrics` must have unique names.*Received: kl"),
        ([WithoutWeights()], "`metrics` must have `update_state"),
    ],
)
def test_what_is_no_metric_is_refused(metrics, message):
    with pytest.raises(ValueError, match=message):
        kae.models.VAE().compile(metrics=metrics)


def test_metrics_under_a_strategy_are_those_of_the_whole_batch():
    """`tests/training/test_replication.py` has two devices, and processes."""
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        network = kae.networks.MLP([4]), kae.networks.MLP([4])
        model = kae.models.VAE(*network, latent_dim=2)
    model.compile(keras.optimizers.SGD(0.0), metrics=["mse", psnr], weighted_metrics=["mse"], jit_compile=False)
    logs = model.fit(X, sample_weight=WEIGHTS, batch_size=8, verbose=0).history
    evaluated = model.evaluate(X, sample_weight=WEIGHTS, batch_size=8, verbose=0, return_dict=True)
    for name, value in expected(model).items():
        assert logs[name][0] == pytest.approx(value, rel=1e-5)
        assert evaluated[name] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("name", in_short_run("cvae"))
def test_every_model_takes_metrics(name):
    model, values = make(name, jit_compile=False, metrics=["mse"])
    logs = model.fit(PICTURES, to_learn(name, values), batch_size=20, verbose=0).history
    evaluated = model.evaluate(PICTURES, values, verbose=0, return_dict=True)
    assert np.isfinite(logs["mse"]).all()
    error = np.mean((np.asarray(model.reconstruct(PICTURES, values)) - PICTURES) ** 2)
    assert evaluated["mse"] == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize("cls", [kae.Autoencoder, *MODELS.values()])
def test_errors_of_wrong_keywords_name_no_private_class(cls):
    needed = {"condition": kae.Categorical(3)} if getattr(cls, "needs_condition", False) else {}
    if "condition" in inspect.signature(cls).parameters:
        needed = {"condition": kae.Categorical(3)}
    model = cls(**needed)
    calls = [lambda: cls(**needed, no_such=1), lambda: cls(1, 2, 3), lambda: cls(**needed, posteriors="x")]
    for name in (
        "compile",
        "fit",
        "evaluate",
        "predict",
        "train_on_batch",
        "test_on_batch",
        "encode",
        "sample",
        "build",
    ):
        verb = getattr(model, name)
        calls += [lambda verb=verb: verb(no_such=1), lambda verb=verb: verb(*range(40))]
    for call in calls:
        with pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert not any(word in str(caught.value) for word in PRIVATE), caught.value
