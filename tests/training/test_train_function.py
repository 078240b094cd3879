import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import first

import keras_ae as kae
from keras_ae.training import trainer
from keras_ae.training.input_pipeline import Arrays, Feed
from keras_ae.training.stacks import Stacks, batch_of, steps_per_call
from keras_ae.training.train_function import stacked_steps


def flat(elements):
    """The examples that count, in the order in which steps see them."""
    seen = []
    for stack in elements:
        for step in range(int(stack["steps"])):
            batch = batch_of(stack, step)
            seen.append(batch.x[: batch.count])
    return np.concatenate(seen)


@pytest.mark.parametrize("size, batch_size, steps", [(50, 8, 3), (48, 8, 3), (5, 4, 7), (7, 7, 1), (100, 1, 100)])
def test_every_example_once_an_epoch_in_an_order_of_its_own(size, batch_size, steps):
    dataset = Stacks({"x": np.arange(size, dtype="float32")}, batch_size, steps, seed=1)
    calls = -(-size // (batch_size * steps))
    elements = list(itertools.islice(dataset, 3 * calls))
    epochs = [flat(elements[calls * e : calls * (e + 1)]) for e in range(3)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(size))
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    dataset.epoch.assign(2)
    np.testing.assert_array_equal(flat(itertools.islice(dataset, calls)), epochs[2])


@pytest.mark.parametrize("steps", first(1, [3, 2]))
@pytest.mark.parametrize("steps_per_epoch", first(2, [7, 25, 2, 4, 14]))  # of 10 batches
def test_epochs_that_are_not_all_batches_begin_where_a_whole_training_would_be(steps_per_epoch, steps):
    x = np.arange(50, dtype="float32")
    stacks = Stacks({"x": x}, 5, steps, seed=1, steps_per_epoch=steps_per_epoch)
    single = kae.training.batches(x, 5, seed=1, steps_per_epoch=steps_per_epoch)
    calls = -(-steps_per_epoch // steps)
    whole = flat(itertools.islice(stacks, 4 * calls))
    for start in range(0, len(whole) - 49, 50):
        np.testing.assert_array_equal(np.sort(whole[start : start + 50]), x)  # each once in ten batches
    for epoch in range(4):
        expected = whole[epoch * steps_per_epoch * 5 :][: steps_per_epoch * 5]
        stacks.epoch.assign(epoch)
        np.testing.assert_array_equal(flat(itertools.islice(stacks, calls)), expected)
        single.epoch.assign(epoch)
        np.testing.assert_array_equal(np.concatenate(list(single.take(steps_per_epoch))), expected)


def test_examples_that_fill_the_last_batch_have_no_weight():
    weights = np.arange(1, 11, dtype="float32")
    dataset = Stacks({"x": weights, "weight": weights}, 4, 2, shuffle=False)
    (first, second) = itertools.islice(dataset, 2)
    np.testing.assert_array_equal(first["weight"], [[1, 2, 3, 4], [5, 6, 7, 8]])
    np.testing.assert_array_equal(second["weight"], [[9, 10, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(second["count"], [2, 0])
    assert (first["steps"], second["steps"]) == (2, 1)


@pytest.mark.parametrize("num, size, batch", [(60000, 3136, 128), (60000, 3136, 512), (1, 4, 128), (10**6, 4, 1)])
def test_calls_are_of_equal_length_and_fit_the_memory(num, size, batch):
    total = -(-num // batch)
    steps = steps_per_call(total, size * batch)
    calls = -(-total // steps)
    assert 1 <= steps <= 128 and steps * size * batch <= 64 * 2**20
    assert calls * steps - total < calls  # less than one idle step a call


@pytest.mark.parametrize(
    ("cls", "jit_compile"), first(1, [(kae.models.VAE, False), (kae.models.AE, False), (kae.models.VAE, True)])
)
def test_200_steps_at_once_give_the_weights_of_200_steps_one_by_one(monkeypatch, cls, jit_compile):
    """The same batches, order and seeds, through the loop of Keras."""
    x = np.random.default_rng(0).random((160, 6)).astype("float32")
    models = []
    for at_once in (True, False):
        keras.utils.set_random_seed(1)
        model = cls(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2, seed=3)
        model.build((None, 6))
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=jit_compile, steps_per_execution=10)
        if not at_once:
            monkeypatch.setattr(trainer, "stacked_steps", lambda model, feed, learning=False: None)
        history = model.fit(x, batch_size=16, epochs=20, verbose=0, validation_data=(x[:50],)).history
        models.append((model, history))
    (fast, fast_history), (slow, slow_history) = models
    assert int(fast.optimizer.iterations) == int(slow.optimizer.iterations) == 200
    for a, b in zip(fast.weights, slow.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)  # rounding of 200 steps of Adam
    assert {"loss", "reconstruction", "val_loss", "val_reconstruction"} <= fast_history.keys() == slow_history.keys()
    for name, values in fast_history.items():
        np.testing.assert_allclose(values, slow_history[name], rtol=1e-4, err_msg=name)


KINDS = {  # how many examples, in batches of 16, and what belongs to them
    "weights": (160, ["x", "sample_weight"]),
    "condition": (160, ["x", "y"]),
    "smaller last batch": (151, ["x"]),
    "condition, weights and a smaller last batch": (151, ["x", "y", "sample_weight"]),
    "dataset": (151, ["x"]),
    "dataset with condition and weights": (151, ["x", "y", "sample_weight"]),
}


def given(num, names):
    """Examples, classes, and weights of which some are 0, as arguments of `fit`."""
    x = np.random.default_rng(0).random((num, 6)).astype("float32")
    numbers = np.arange(num)
    arrays = {"x": x, "y": (numbers % 3).astype("int32"), "sample_weight": (numbers % 4).astype("float32")}
    return {name: arrays[name] for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_200_steps_of_any_data_give_the_weights_of_keras_own_loop(kind):
    num, names = KINDS[kind]
    data, watched = given(num, names), given(53, names)
    if "dataset" in kind:
        data, watched = (
            tf.data.Dataset.from_tensor_slices(tuple(arrays.values())).batch(16) for arrays in (data, watched)
        )
        data = {"x": data}
    else:
        data["batch_size"], watched = 16, tuple(watched.get(name) for name in ("x", "y", "sample_weight"))
    cls, condition = kae.models.VAE, {}
    if "condition" in kind:
        cls, condition = kae.models.ConditionalVAE, {"condition": kae.Categorical(3)}
    results = []
    for wanted in ("auto", 1):
        keras.utils.set_random_seed(1)
        model = cls(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2, seed=3, **condition)
        model.build((None, 6))
        model.compile(keras.optimizers.Adam(1e-3), jit_compile=False, steps_per_execution=wanted)
        history = model.fit(**data, epochs=20, verbose=0, validation_data=watched).history
        assert int(model.optimizer.iterations) == 200
        results.append((model, history))
    (fast, fast_history), (slow, slow_history) = results
    for a, b in zip(fast.weights, slow.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)  # rounding of 200 steps of Adam
    assert fast_history.keys() == slow_history.keys()
    assert set(fast_history) == {f"{v}{name}" for v in ("", "val_") for name in ("loss", "kl", "reconstruction")}
    for name, values in fast_history.items():
        np.testing.assert_allclose(values, slow_history[name], rtol=1e-4, err_msg=name)


def test_last_smaller_batch_counts_as_much_as_its_examples():
    """A deterministic model with a learning rate of 0: the mean over all examples, whatever the batches are."""
    x = np.random.default_rng(0).random((103, 6)).astype("float32")
    model = kae.models.AE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
    model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    losses = [model.fit(x, batch_size=size, verbose=0).history["loss"][0] for size in (103, 10, 16)]
    losses += [model.evaluate(x, batch_size=size, verbose=0)[0] for size in (103, 10, 16)]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


def test_last_smaller_batch_gives_the_gradient_of_its_own_mean():
    x = np.random.default_rng(0).random((20, 6)).astype("float32")
    models = []
    for steps in ("auto", 1):
        keras.utils.set_random_seed(1)
        model = kae.models.AE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
        model.build((None, 6))
        model.compile(keras.optimizers.SGD(0.1), jit_compile=False, steps_per_execution=steps)
        model.fit(x, batch_size=16, epochs=3, verbose=0)
        models.append(model)
    for a, b in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_callbacks_see_every_call_with_the_number_of_its_last_step_as_if_it_were_full():
    """The last call of 10 steps has 2 of 4: Keras gives it the number that the fourth would have."""
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)
            assert set(logs) == {"loss", "kl", "reconstruction"}

    model = kae.models.VAE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
    model.compile(jit_compile=False, steps_per_execution=4)
    model.fit(np.random.rand(80, 6), batch_size=8, verbose=0, callbacks=[Watch()])
    assert seen == [3, 7, 11]
    assert model.steps_per_execution == 4


def test_training_that_a_callback_stops_within_an_epoch_ends_after_that_call():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 7

    model = kae.models.AE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
    model.compile(jit_compile=False, steps_per_execution=4)
    history = model.fit(np.random.rand(160, 6), batch_size=8, epochs=3, verbose=0, callbacks=[Stop()])
    assert int(model.optimizer.iterations) == 8 and history.epoch == [0]


def test_conditions_and_weights_go_with_their_examples():
    labels = np.arange(40, dtype="int32")
    arrays = {"x": labels[:, np.newaxis].astype("float32"), "condition": {"digit": labels, "pen": labels * 2.0}}
    dataset = Stacks({**arrays, "weight": labels.astype("float32")}, 8, 2, seed=4)
    batch = batch_of(next(iter(dataset)), 1)
    for values in (batch.condition["digit"], batch.condition["pen"] / 2, batch.weight):
        np.testing.assert_array_equal(tf.cast(values, tf.float32), batch.x[:, 0])


@pytest.mark.parametrize("steps, expected", [(None, 118), (100, 100), (200, 100), (131, 66), (1009, 127), (3, 3)])
def test_epochs_of_any_length_run_in_few_calls_of_equal_length(steps, expected):
    feed = Feed(Arrays(np.zeros([60_000, 2], "float32")), steps, 128)  # 469 batches
    assert feed.steps_per_call("auto") == expected


@pytest.mark.xla
def test_xla_is_the_default_and_gives_way_to_eager_debugging():
    model = kae.models.VAE()
    model.compile()
    assert model.jit_compile is True
    model.compile(run_eagerly=True)
    assert model.jit_compile is False


class Blocks(keras.layers.Layer):
    """A network of the user's own, with a convolution that is no layer of `layers`."""

    def __init__(self):
        super().__init__()
        self.inside = {"first": keras.layers.Conv2D(4, 3)}

    def call(self, x):
        return self.inside["first"](x)


@pytest.mark.xla
def test_convolutions_are_left_to_the_kernels_of_tensorflow():
    user = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
    frames = keras.layers.TimeDistributed(keras.layers.Conv2D(4, 3))
    for encoder in ("conv", user, Blocks(), keras.Sequential([keras.layers.Reshape([2, 8, 4, 1]), frames])):
        model = kae.models.VAE(encoder, latent_dim=2)
        model.compile(steps_per_execution=4)
        assert model.jit_compile is False
        assert stacked_steps(model, Feed(Arrays(np.zeros([64, 8, 8, 1])), None, 8)) == 4
        model.compile(jit_compile=True)  # asked for: XLA, but one step at a time
        assert stacked_steps(model, Feed(Arrays(np.zeros([64, 8, 8, 1])), None, 8)) == 1


@pytest.mark.parametrize("prefers_xla", first(1, [True, False]))
def test_xla_compiles_one_program_for_single_steps_and_their_smaller_last_batch(monkeypatch, prefers_xla):
    """As asked for, or because XLA must not see convolutions in a loop."""
    monkeypatch.setattr(kae.models.AE, "_prefers_xla", prefers_xla)
    x = np.random.default_rng(0).random((20, 6)).astype("float32")
    results, traces = [], []
    for arguments in ({"jit_compile": True, "steps_per_execution": 1 if prefers_xla else 4}, {"jit_compile": False}):
        keras.utils.set_random_seed(1)
        model = kae.models.AE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
        model.build((None, 6))
        terms = model.terms

        def watched(x, condition, step_context, terms=terms):
            traces.append((step_context.training, x.shape[0]))
            return terms(x, condition, step_context)

        monkeypatch.setattr(model, "terms", watched)
        model.compile(keras.optimizers.SGD(0.1), **arguments)
        model.fit(x, batch_size=8, epochs=2, verbose=0, validation_data=(x[:11],))
        assert int(model.optimizer.iterations) == 6
        results.append(model.get_weights())
    assert traces[:2] == [(True, 8), (False, 8)] == traces[2:]
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
