"""Training on several devices and in several processes."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae.training.replication import rows_of
from keras_ae.training.stacks import Stacks, batch_of

SCRIPT = pathlib.Path(__file__).with_name("replication_script.py")


def assert_close(first, second, **tolerance):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, **({"rtol": 1e-5, "atol": 1e-6} | tolerance))  # sums in another order


def results_of(job, processes, tmp_path_factory):
    folder = tmp_path_factory.mktemp(job)
    processes.run(folder, SCRIPT, job, "results.json")
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def mirrored(processes, tmp_path_factory):
    return results_of("mirrored", processes, tmp_path_factory)


@pytest.fixture(scope="module")
def more(processes, tmp_path_factory):
    return results_of("more", processes, tmp_path_factory)


def assert_same_training(replicas, single):
    assert_close(replicas["weights"], single["weights"])
    assert replicas["history"].keys() == single["history"].keys()
    for key, values in single["history"].items():
        np.testing.assert_allclose(replicas["history"][key], values, rtol=1e-5)


@pytest.mark.parametrize("num_replicas", [1, 2, 3, 5])
@pytest.mark.parametrize("size, batch_size", [(50, 16), (48, 16), (7, 4)])
def test_each_example_is_seen_once_an_epoch(num_replicas, size, batch_size):
    numbers = np.arange(size)
    seen = []
    for stack in Stacks({"x": numbers[:, np.newaxis].astype("float32")}, batch_size, 1, endless=False):
        batch = batch_of(stack, 0)
        for replica in range(num_replicas):
            rows = rows_of(batch, replica, num_replicas)
            seen.extend(rows.x.numpy()[rows.weight.numpy() > 0, 0])
            assert rows.x.shape[0] == -(-batch_size // num_replicas)
    np.testing.assert_array_equal(np.sort(seen), numbers)


def assert_each_counts_once(shares):
    """50 examples in batches of 16, 16, 16 and 2."""
    np.testing.assert_allclose(np.sort(shares), [1 / 16] * 48 + [1 / 2] * 2, rtol=2e-3)


@pytest.mark.parametrize("devices", ["one", "two"])
def test_fit_uses_each_example_of_an_epoch_once(mirrored, devices):
    for shares in mirrored["counted"][devices]:
        assert_each_counts_once(shares)


def test_two_devices_train_what_one_trains_and_have_its_metrics(mirrored):
    assert_same_training(*mirrored["arrays"])
    names = {"mse", "root_mean_squared_error", "mae", "loss", "reconstruction"}
    assert names | {f"val_{name}" for name in names} == set(mirrored["arrays"][0]["history"])


@pytest.mark.slow
def test_two_devices_train_on_datasets_what_one_trains(more):
    assert_same_training(*(more[place]["endless"] for place in ("replicas", "single")))  # without noise
    assert np.all(np.diff(more["replicas"]["stream"]["history"]["val_loss"]) < 0)


def test_gradients_of_two_devices_are_those_of_one_with_the_same_noise(mirrored):
    for weights in mirrored["noise"]:
        assert_close(*weights)


@pytest.mark.slow
def test_gradients_of_two_optimizers_of_shuffled_codes_and_under_xla_are_those_of_one_device(more):
    for weights in more["noise"]:
        assert_close(*weights)


@pytest.mark.slow
def test_optimizers_of_two_devices_update_as_on_one(more):
    replicas, single = more["optimizers"]
    for name, run in single.items():
        assert_same_training(replicas[name], run)


@pytest.mark.slow
def test_an_embedding_trains_on_two_devices_as_on_one(more):
    assert_same_training(*more["embedding"])


@pytest.mark.slow
def test_batch_normalization_remembers_the_mean_of_the_replicas_and_regularizers_count_once(more):
    found = more["batch_normalization"]
    np.testing.assert_allclose(found["moving"], 0.1 * np.array(found["mean"]), rtol=1e-4)  # momentum 0.9, from 0
    assert found["penalty"] == pytest.approx(3.0 * found["norm"], rel=1e-4)


@pytest.mark.parametrize("job", first(1, ["mirrored", "more"]))
def test_an_assigned_weight_is_used_on_all_devices_without_another_trace(request, job):
    """Without XLA and with it."""
    run = request.getfixturevalue(job)["assigned"]
    assert run["traced_again"] == 0
    for logs in run["results"]:
        assert logs["loss"] == pytest.approx(logs["reconstruction"] + logs["beta"] * logs["kl"], rel=1e-5)


def test_halt_prediction_and_evaluation_under_a_strategy(mirrored):
    assert "Training stopped at step" in mirrored["halt"] and mirrored["finite"]
    assert mirrored["shapes"] == [[50, 6], [3, 6]]
    assert mirrored["evaluated"][0] == mirrored["evaluated"][1]


@pytest.mark.slow
@pytest.mark.parametrize("num", [2, 3])
def test_several_processes_train_what_one_device_trains(mirrored, more, workers, tmp_path, num):
    workers.run(num, tmp_path, lambda index: [SCRIPT, "worker", f"{index}.json"])
    results = [json.loads((tmp_path / f"{index}.json").read_text()) for index in range(num)]
    assert all(result == results[0] for result in results)  # to the bit
    for shares in results[0]["counted"]:
        assert_each_counts_once(shares)
    for name, single in {"arrays": mirrored["arrays"][1], "endless": more["single"]["endless"]}.items():
        assert_same_training(results[0][name], single)
    exact, compressed = results[0]["exact"]["weights"], results[0]["compressed"]["weights"]
    assert exact != compressed
    assert_close(exact, compressed, rtol=0, atol=1e-3)  # 12 steps of 0.1 times gradients with 8 bits
    for run in results[0]["local"]:
        assert_close(run["weights"], run["expected"])
        assert {"loss", "kl", "reconstruction", "mse", "val_mse"} <= set(run["history"])
        assert np.isfinite(list(run["history"].values())).all()


def test_compressed_gradients_are_sums_in_16_bits(mirrored):
    assert_close(*mirrored["compressed"])


def test_arguments_for_workers_are_checked():
    model = kae.models.VAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    with pytest.raises(ValueError, match='`gradient_compression` must be "bfloat16"'):
        model.compile(gradient_compression="float16")
    with pytest.raises(ValueError, match="`gradient_compression` must be None with `local_steps`"):
        model.compile(gradient_compression="bfloat16", local_steps=2)


def test_local_steps_are_for_one_device_in_each_process(mirrored):
    assert "`local_steps` must be None with several devices in one process" in mirrored["local"]


def test_one_device_ignores_local_steps():
    x = np.random.default_rng(0).random((20, 6)).astype("float32")
    runs = []
    for place in (tf.distribute.get_strategy(), tf.distribute.OneDeviceStrategy("CPU:0")):
        for steps in (None, 4):
            with place.scope():
                model = kae.models.VAE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2, seed=1)
            model.compile(local_steps=steps, jit_compile=False)
            runs.append(model.fit(x, batch_size=5, verbose=0).history)
    assert runs[0] == runs[1] and runs[2] == runs[3]
    with pytest.raises(ValueError, match="`local_steps` must be a positive integer"):
        model.compile(local_steps=0)


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "TF_CONFIG must be JSON"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "must be JSON with"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 3}}', "Received: worker 3 of 1"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}', "workers only"),
    ],
)
def test_wrong_cluster_is_said_in_a_sentence(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message):
        kae.devices.cluster()


def test_a_worker_that_is_lost_in_an_evaluation_is_said_in_a_sentence():
    def lose(batch, logs):
        raise tf.errors.UnavailableError(None, None, "Collective ops is aborted by: no heartbeat. The error could be")

    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = kae.models.AE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.compile(jit_compile=False)
    lost = keras.callbacks.LambdaCallback()
    lost.on_test_batch_end = lose
    x = np.zeros([4, 3], "float32")
    for run in model.evaluate, lambda x, **arguments: model.fit(x, validation_data=(x,), **arguments):
        with pytest.raises(RuntimeError, match=r"another worker does not answer.* TensorFlow reports: no heartbeat"):
            run(x, callbacks=[lost], verbose=0)


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
def test_training_within_the_scope_is_refused(verb):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = kae.models.AE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
        model.compile()
        with pytest.raises(RuntimeError, match=rf"Call `{verb}` after the block of `strategy.scope\(\)`"):
            getattr(model, verb)(np.zeros([4, 3], "float32"))


def test_generators_and_single_batches_are_refused_under_a_strategy():
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = kae.models.AE(kae.networks.MLP([4]), kae.networks.MLP([4]), latent_dim=2)
    model.compile()
    with pytest.raises(NotImplementedError, match="not `train_on_batch`"):
        model.train_on_batch(np.zeros([4, 3], "float32"))
    with pytest.raises(ValueError, match=r"`x` must be arrays, or a tf\.data\.Dataset"):
        model.fit((batch for batch in [(np.zeros([4, 3], "float32"),)]), verbose=0)
