"""Datasets are trained on with many steps a call, like arrays."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiers import checkered, first

import keras_ae as kae
from keras_ae.io.closing import ClosedLater
from keras_ae.training import input_pipeline, stacks
from keras_ae.training.replication import WholeBatches
from keras_ae.training.stacks import stacked
from keras_ae.training.streams import checked_batches

X = np.random.default_rng(0).random((50, 6)).astype("float32")
LABELS = (np.arange(50) % 3).astype("int32")
WEIGHTS = (np.arange(50) % 4).astype("float32")


def named(*sizes):
    """Batches (x, condition, weight) of given sizes."""
    ends = np.cumsum(sizes)
    batches = [(X[end - size : end], LABELS[end - size : end], None) for size, end in zip(sizes, ends, strict=True)]
    spec = (tf.TensorSpec([None, 6]), tf.TensorSpec([None], tf.int32))
    pairs = tf.data.Dataset.from_generator(lambda: ((x, y) for x, y, _ in batches), output_signature=spec)
    return batches, pairs.map(lambda x, y: (x, y, None))


SIZES = [(8, 8, 8, 5), (8, 8, 8), (3, 8, 2, 7, 7), (1,), (4, 4, 4, 4, 4, 4, 1)]


@pytest.mark.parametrize(("steps", "sizes"), checkered([1, 2, 3], SIZES))
def test_stacks_hold_every_batch_once_and_are_filled_with_rows_that_do_not_count(sizes, steps):
    batches, dataset = named(*sizes)
    found, shapes = [], set()
    for stack in stacked(dataset, steps).as_numpy_iterator():
        assert stack["x"].shape[0] == stack["weight"].shape[0] == steps
        shapes.add(stack["x"].shape[1])
        for i in range(stack["steps"]):
            count = stack["count"][i]
            found.append((stack["x"][i, :count], stack["condition"][i, :count]))
            np.testing.assert_array_equal(stack["weight"][i], np.arange(len(stack["weight"][i])) < count)
            assert np.isin(stack["condition"][i, count:], stack["condition"][i, :count]).all()  # rows of its own
    assert len(found) == len(batches)
    for (x, labels), (x_batch, labels_batch, _) in zip(found, batches, strict=True):
        np.testing.assert_array_equal(x, x_batch)
        np.testing.assert_array_equal(labels, labels_batch)
    if sizes[0] == max(sizes):
        assert shapes == {sizes[0]}  # one shape, one compilation


@pytest.mark.parametrize("steps, lengths", [(5, [5, 5, 4] * 2), (7, [7, 7] * 2), (20, [14, 14]), (1, [1] * 28)])
def test_no_stack_reaches_over_the_end_of_an_epoch(steps, lengths):
    numbers = tf.data.Dataset.range(28).map(lambda i: (tf.cast([[i]], tf.float32), None, None))
    stacks = list(stacked(numbers, steps, 14))
    assert [int(stack["steps"]) for stack in stacks] == lengths
    seen = np.concatenate([stack["x"][: stack["steps"], 0, 0] for stack in stacks])
    np.testing.assert_array_equal(seen, np.arange(28))
    assert all(stack["x"].shape == [steps, 1, 1] for stack in stacks)


@pytest.mark.slow
@pytest.mark.parametrize("wanted", first(1, ["auto", 4]))
def test_no_stack_is_larger_than_its_feed_needs(wanted, monkeypatch):
    limit, found = 2**14, []  # 4 batches, but for the counts of their rows
    monkeypatch.setattr(stacks, "_STACK_BYTES", limit)

    def watched(dataset, steps, *epoch):
        stacks = [tf.nest.flatten(stack) for stack in stacked(dataset, steps).as_numpy_iterator()]
        found.append((steps, max(sum(part.nbytes for part in stack) for stack in stacks)))
        return stacked(dataset, steps, *epoch)

    monkeypatch.setattr(input_pipeline, "stacked", watched)
    dataset = tf.data.Dataset.from_tensor_slices((np.tile(X, [32, 1]), np.tile(LABELS, 32)))
    arguments = {"epochs": 2, "verbose": 0, "validation_data": dataset.take(400).batch(400)}
    history = make(steps_per_execution=wanted).fit(dataset.batch(128), **arguments).history  # 13 batches
    (steps, size), (watched_steps, watched_size) = found
    assert steps == {"auto": 3, 4: 4}[wanted] and size <= steps * (128 * 32 + 4) + 4
    assert wanted == 4 or max(size, watched_size) <= limit
    assert watched_steps == 1  # of one batch
    assert len(history["val_loss"]) == 2 and np.isfinite(history["val_loss"]).all()


@pytest.mark.slow
def test_validation_that_cannot_be_stacked_leaves_training_as_it_is():
    """And the other way round."""
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    def generator():
        while True:
            yield X[:8], LABELS[:8]

    stream, arrays = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8), (X, LABELS)
    model = make(steps_per_execution=7)
    arguments = {"steps_per_epoch": 7, "shuffle": False, "verbose": 0, "callbacks": [Watch()]}
    mixed = model.fit(stream, validation_data=generator(), validation_steps=5, **arguments).history
    model.fit(generator(), validation_data=arrays, **arguments)
    assert seen == [6, *range(7)]
    assert set(mixed) == {f"{v}{name}" for v in ("", "val_") for name in ("loss", "kl", "reconstruction")}


def test_a_dataset_of_unknown_length_has_stacks_of_one_batch_of_one_size():
    base = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8).map(lambda x, labels: (x, labels, None))
    feed = input_pipeline.Feed(base.filter(lambda *_: True), None, 8)
    assert (feed.stackable, feed.has_length, feed.steps_per_call("auto")) == (True, False, 1)
    data, _ = feed.for_training(1, seed=0, shuffle=False)
    assert {tuple(stack["x"].shape) for stack in data} == {(1, 8, 6)}
    assert not input_pipeline.Feed(base.repeat(), None, 8).stackable  # Keras says what is missing


def make(**arguments):
    keras.utils.set_random_seed(1)
    network = kae.networks.MLP
    model = kae.models.ConditionalVAE(network([8]), network([8]), latent_dim=2, condition=kae.Categorical(3))
    model.build((None, 6))
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False, **arguments)
    return model


SOURCES = {
    "finite": (lambda d: d, {}),
    "unknown length": (lambda d: d.filter(lambda *_: True).repeat(), {"steps_per_epoch": 7, "validation_steps": 3}),
    "repeated": (lambda d: d.repeat(), {"steps_per_epoch": 6}),
}


@pytest.mark.parametrize("name", first(1, SOURCES))
def test_weights_history_and_validation_are_those_of_keras_own_loop(name):
    change, arguments = SOURCES[name]
    base = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8)
    watched = change(base) if "validation_steps" in arguments else base
    results = []
    for wanted in ("auto", 1) if name == "finite" else ("auto", 4, 1):  # 4 leaves a rest of an epoch of 6 or 7 steps
        model = make(steps_per_execution=wanted)
        history = model.fit(change(base), epochs=3, verbose=0, validation_data=watched, **arguments).history
        results.append((model, history))
        assert int(model.optimizer.iterations) == 3 * arguments.get("steps_per_epoch", 7)
    *stacks, (slow, slow_history) = results
    for fast, history in stacks:
        for a, b in zip(fast.get_weights(), slow.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        assert history.keys() == slow_history.keys()
        for key in history:
            np.testing.assert_allclose(history[key], slow_history[key], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras says it of every unknown length
@pytest.mark.parametrize("wanted", first(1, ["auto", 1]))
def test_a_dataset_of_unknown_length_trains_as_one_of_known_length(wanted):
    base = tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8)
    known, unknown = make(steps_per_execution=1), make(steps_per_execution=wanted)
    known.fit(base, epochs=2, verbose=0)
    unknown.fit(base.filter(lambda *_: True), epochs=2, verbose=0)
    assert int(unknown.optimizer.iterations) == 2 * 7  # Keras' own loop counts its look for more as a step
    for a, b in zip(known.get_weights(), unknown.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


class Batches(keras.utils.PyDataset):
    """50 examples in batches of 8, with weights."""

    def __len__(self):
        return 7

    def __getitem__(self, i):
        rows = slice(8 * i, 8 * i + 8)
        return X[rows], LABELS[rows], WEIGHTS[rows]


def endless():
    while True:
        for i in range(7):
            yield Batches()[i]


@pytest.mark.parametrize("source", [Batches(), itertools.islice(endless(), 7)], ids=["PyDataset", "generator"])
def test_last_smaller_batch_of_a_generator_is_filled_with_its_own_rows(source):
    feed = input_pipeline.Feed(checked_batches(source, lambda *batch: batch), None, 8)
    data, _ = feed.for_training(None, seed=0, shuffle=False)
    batches = (data[i] for i in range(7)) if isinstance(source, Batches) else data
    *full, last = map(stacks.Batch.of, batches)
    assert [(batch.count, len(batch.x)) for batch in full] == [(8, 8)] * 6
    for found, rows in zip(last[:2], (X, LABELS), strict=True):
        np.testing.assert_array_equal(found, np.concatenate([rows[48:]] * 4))
    np.testing.assert_array_equal(last.weight, [*WEIGHTS[48:], *[0] * 6])
    assert last.count == 2


def watch_sizes(model, monkeypatch):
    """Two lists: of the sizes of the batches that steps see as they run, and of the calls that trace a step."""
    sizes, traces, terms = [], [], model.terms

    def watched(x, condition, step_context):
        traces.append(step_context.training)
        with tf.control_dependencies([tf.numpy_function(lambda size: sizes.append(int(size)), [tf.shape(x)[0]], [])]):
            return terms(tf.identity(x), condition, step_context)

    monkeypatch.setattr(model, "terms", watched)
    return sizes, traces


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PyDataset", "generator"])
def test_last_smaller_batch_of_a_generator_needs_no_second_compilation(monkeypatch, kind):
    """And trains what that of an array trains."""
    arguments = {"epochs": 2, "verbose": 0, "shuffle": False}
    source = {"PyDataset": {"x": Batches()}, "generator": {"x": endless(), "steps_per_epoch": 7}}[kind]
    streamed, arrays = make(), make()
    sizes, traces = watch_sizes(streamed, monkeypatch)
    found = streamed.fit(**source, validation_data=Batches(), **arguments).history
    assert sizes == [8] * (2 * (7 + 7))  # one size: one program of XLA
    assert traces == [True, False]
    given = {"sample_weight": WEIGHTS, "batch_size": 8, "validation_data": (X, LABELS, WEIGHTS)}
    expected = arrays.fit(X, LABELS, **given, **arguments).history
    for a, b in zip(streamed.get_weights(), arrays.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-5)


class Unweighted(Batches):
    def __getitem__(self, i):
        return super().__getitem__(i)[:2]


CLASSES = {
    "array": lambda: {"x": X, "y": LABELS, "batch_size": 8},
    "dataset": lambda: {"x": tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8)},
    "PyDataset": lambda: {"x": Unweighted()},
    "generator": lambda: {"x": (Unweighted()[i] for i in itertools.cycle(range(7))), "steps_per_epoch": 7},
}


@pytest.mark.parametrize("kind", first(1, CLASSES))
def test_weights_of_classes_are_weights_of_their_examples(kind):
    """In training alone: the validation counts every example."""
    watched = {"validation_data": (X, LABELS), "validation_batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}
    found, expected = make(), make()
    history = found.fit(**CLASSES[kind](), class_weight={0: 0, 2: 3.0}, **watched).history
    weight = np.where(LABELS == 0, 0.0, np.where(LABELS == 2, 3.0, 1.0))
    theirs = expected.fit(X, LABELS, batch_size=8, sample_weight=weight, **watched).history
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert history.keys() == theirs.keys()
    for key, values in theirs.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-5)


@pytest.mark.slow
def test_weights_of_classes_leave_those_of_a_split_alone():
    split, given = make(), make()
    weights = {"class_weight": {0: 0.0, 1: 2.0}, "batch_size": 8, "verbose": 0, "shuffle": False}
    history = split.fit(X, LABELS, validation_split=0.3, **weights).history
    cut = int(len(X) * 0.7)
    expected = given.fit(X[:cut], LABELS[:cut], validation_data=(X[cut:], LABELS[cut:]), **weights).history
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-5)


@pytest.mark.parametrize("parts", [3, 1])
def test_classes_of_a_dataset_are_weighted_where_there_are_some_and_no_other_weights(parts):
    """With a sentence alone, not the story of a graph."""
    dataset = tf.data.Dataset.from_tensor_slices((X, LABELS, WEIGHTS)).batch(8)
    model, message = make(), "Give `class_weight` or `sample_weight`, not both."
    if parts == 1:
        dataset = dataset.map(lambda x, *_: x)
        model = kae.models.AE(kae.networks.MLP([8]), kae.networks.MLP([8]), latent_dim=2)
        model.compile()
        message = "`class_weight` needs classes, given as the condition `y` of a conditional model."
    with pytest.raises(ValueError) as error:
        model.fit(dataset, class_weight={0: 2.0}, verbose=0)
    assert str(error.value) == message


def test_dataset_is_stacked_and_gives_its_own_length():
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    model = make(steps_per_execution=4)
    model.fit(tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(8), epochs=2, verbose=0, callbacks=[Watch()])
    assert seen == [3, 7] * 2
    assert model.evaluate(tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(50), verbose=0)[0] > 0


@pytest.mark.slow
def test_every_epoch_of_a_stream_has_an_order_of_its_own_and_resumes():
    def stream():
        return kae.training.batches((X, LABELS), 8, seed=4)

    whole, parts = make(), make()
    whole.fit(stream(), epochs=4, verbose=0)
    parts.fit(stream(), epochs=2, verbose=0)
    parts.fit(stream(), epochs=4, initial_epoch=2, verbose=0)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_epochs_of_datasets_are_closed_later_and_hold_the_same_batches():
    dataset = tf.data.Dataset.range(3)
    iterator = iter(WholeBatches(dataset, 1))
    assert isinstance(iterator, ClosedLater)
    assert iterator.element_spec == dataset.element_spec
    assert [int(each) for each in iterator] == [0, 1, 2]
