"""Streams: the order is a pure function of (seed, epoch), and they hold what `load` gives."""

import numpy as np
import pytest
import tensorflow as tf
from tiers import first

from keras_ae import datasets


def rows(batches):
    """The examples of batches x as a sorted array, to compare multisets."""
    flat = np.concatenate([np.asarray(x).reshape(len(x), -1) for x in batches])
    return flat[np.lexsort(flat.T)]


def one_epoch(dataset):
    return np.concatenate([np.asarray(x) for x in dataset])


SOURCES = [("digits", "test[:130]"), ("mnist", "test[:130]"), ("strokes", "train[:60]")]


@pytest.fixture(params=first(1, [(source,) for source in SOURCES]), ids=[name for name, _ in SOURCES])
def source(request):
    if request.param[0] == "mnist":
        request.getfixturevalue("mnist")
    return request.param


def test_stream_and_load_hold_the_same(source):
    x, y = datasets.load(*source)
    batches = list(datasets.stream(*source, batch_size=32))
    np.testing.assert_array_equal(rows([b[0] for b in batches]), rows([x]))
    labels = np.concatenate([b[1]["digit"] if isinstance(y, dict) else b[1] for b in batches])
    expected = y["digit"] if isinstance(y, dict) else y
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(expected))
    # Labels stay with their images: the image of a pair is found in `load` with the same label.
    image, label = np.asarray(batches[0][0][3]), labels[3]
    assert expected[np.argmin(np.abs(x - image).sum((1, 2, 3)))] == label


def test_order_is_drawn_from_seed_and_epoch(source):
    def epochs(seed, number):
        dataset = datasets.stream(*source, batch_size=16, seed=seed, labels=False, shuffle_buffer=50)
        return [one_epoch(dataset) for _ in range(number)]

    first, second = epochs(1, 2)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(rows([first]), rows([second]))
    tf.random.set_seed(99)  # the process's seed must not matter
    again = epochs(1, 2)
    np.testing.assert_array_equal(again, [first, second])
    assert not np.array_equal(epochs(2, 1)[0], first)
    resumed = datasets.stream(*source, batch_size=16, seed=1, labels=False, shuffle_buffer=50)
    resumed.epoch.assign(1)
    np.testing.assert_array_equal(one_epoch(resumed), second)


def test_buffer_that_is_small_still_gives_each_example_once(mnist):
    dataset = datasets.stream(mnist, "test[:300]", batch_size=7, labels=False, shuffle_buffer=10)
    assert int(dataset.cardinality()) == 43
    np.testing.assert_array_equal(rows(dataset), rows([datasets.load(mnist, "test[:300]")[0]]))


def test_fixed_binarization_is_the_published_protocol():
    x, _ = datasets.load("digits", "test")
    expected = (np.random.RandomState(777).rand(*x.shape) < x).astype(np.float32)
    np.testing.assert_array_equal(datasets.binarize(x, 777), expected)
    np.testing.assert_array_equal(datasets.load("digits", "test", binarize="fixed", seed=777)[0], expected)


def test_fixed_binarization_of_many_rows_is_one_draw():
    x = np.full((5000, 3), 0.5, np.float32)
    expected = np.random.RandomState(1).rand(5000, 3) < x
    np.testing.assert_array_equal(datasets.binarize(x, 1), expected)


def test_fixed_streams_give_what_load_gives_in_every_epoch(source):
    expected = rows([datasets.load(*source, binarize="fixed", seed=777)[0]])
    dataset = datasets.stream(*source, binarize="fixed", seed=777, labels=False)
    first, second = one_epoch(dataset), one_epoch(dataset)
    np.testing.assert_array_equal(rows([first]), expected)
    np.testing.assert_array_equal(rows([second]), expected)
    assert not np.array_equal(first, second)


def test_fresh_binarization_differs_by_epoch_and_repeats(source):
    def epochs(batch_size):
        dataset = datasets.stream(*source, batch_size=batch_size, binarize="fresh", seed=5, labels=False)
        return [one_epoch(dataset), one_epoch(dataset)]

    first, second = epochs(32)
    assert set(np.unique(first)) == {0.0, 1.0}
    assert not np.array_equal(rows([first]), rows([second]))
    np.testing.assert_array_equal(epochs(32), [first, second])
    # Drawn by the number of the example, whatever the batch.
    np.testing.assert_array_equal(rows([epochs(9)[0]]), rows([first]))


def test_fresh_binarization_has_the_gray_value_as_its_mean():
    x = np.tile(np.array([0.0, 0.2, 0.5, 0.9, 1.0], np.float32), (20_000, 1))
    drawn = one_epoch(datasets.batches(x, batch_size=5000, binarize="fresh"))
    # Standard deviation of the mean: at most 0.0035.
    np.testing.assert_allclose(drawn.mean(0), x[0], atol=0.012)
    assert drawn[:, 0].max() == 0.0 and drawn[:, 4].min() == 1.0


def test_batches_of_arrays():
    x = np.linspace(0, 1, 20, dtype=np.float32).reshape(10, 2)
    dataset = datasets.batches(x, np.arange(10), batch_size=4, seed=3)
    first = [(np.asarray(a), np.asarray(b)) for a, b in dataset]
    for a, b in first:
        np.testing.assert_array_equal(a, x[b])
    assert not np.array_equal(np.concatenate([b for _, b in dataset]), np.concatenate([b for _, b in first]))
    kept = datasets.batches(x, {"p": np.arange(10)}, batch_size=4, shuffle=False)
    np.testing.assert_array_equal(np.concatenate([y["p"] for _, y in kept]), np.arange(10))
    fixed = datasets.batches(x, batch_size=10, seed=777, binarize="fixed", shuffle=False)
    np.testing.assert_array_equal(one_epoch(fixed), datasets.binarize(x, 777))
    fresh = datasets.batches(x, np.arange(10), batch_size=4, binarize="fresh")
    assert [len(y) for _, y in fresh] == [4, 4, 2]


def test_folder_is_streamed_and_its_errors_name_the_file(class_folder):
    batches = list(datasets.stream(class_folder, batch_size=2))
    for x, y in batches:
        np.testing.assert_array_equal(y, np.round(np.asarray(x)[:, 0, 0, 0] * 25.5) >= 3)
    dataset = datasets.stream(class_folder, batch_size=2)
    whole = (class_folder / "dog" / "4.png").read_bytes()
    (class_folder / "dog" / "4.png").write_bytes(whole[:45])
    with pytest.raises(tf.errors.OpError, match=r"4\.png` could not be read as an image"):
        list(dataset)


def test_npy_is_streamed_with_its_epoch(tmp_path):
    np.save(tmp_path / "a.npy", np.random.RandomState(0).rand(10, 3, 3).astype(np.float32))
    dataset = datasets.stream(tmp_path / "a.npy", batch_size=4)
    assert dataset.element_spec.shape.as_list() == [None, 3, 3, 1] and int(dataset.cardinality()) == 3
    np.testing.assert_array_equal(rows(dataset), rows([datasets.load(tmp_path / "a.npy")[0]]))


def test_stream_feeds_keras_fit():
    import keras

    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(datasets.stream("digits", batch_size=256), epochs=2, shuffle=False, verbose=0)
    assert len(history.history["loss"]) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"binarize": "random"}, "`binarize` must be one of"),
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
        ({"shuffle_buffer": 0}, "`shuffle_buffer` must be a positive integer"),
        ({"seed": -1}, "`seed` must be an integer"),
        ({"split": "validation"}, "`split` must be"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.stream("digits", **options)


def test_fresh_binarization_is_not_for_load():
    with pytest.raises(ValueError, match="Use `stream` or `batches`"):
        datasets.load("digits", binarize="fresh")
