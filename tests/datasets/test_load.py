"""Whole sets as arrays: embedded ones, TFDS, and the errors for what is not there."""

import subprocess
import sys

import numpy as np
import pytest

from keras_ae import datasets


def test_digits_are_split_once_and_within_each_class():
    x, y = datasets.load("digits", "train")
    x_test, y_test = datasets.load("digits", "test")
    assert x.shape == (1437, 8, 8, 1) and x.dtype == np.float32 and x.min() == 0.0 and x.max() == 1.0
    assert y.dtype == np.int32 and len(x_test) == 360
    np.testing.assert_allclose(np.bincount(y) / 4, np.bincount(y_test), atol=1.0)
    again, _ = datasets.load("digits", "test")
    np.testing.assert_array_equal(again, x_test)
    both, _ = datasets.load("digits", "train+test")
    np.testing.assert_array_equal(both, np.concatenate([x, x_test]))


def test_slices_are_those_of_tfds():
    x, _ = datasets.load("digits", "train")
    for split, expected in (("train[10:20]", x[10:20]), ("train[:50%]", x[:718]), ("train[-5:]", x[-5:])):
        np.testing.assert_array_equal(datasets.load("digits", split)[0], expected)


@pytest.mark.parametrize("split", ["validation", "train[", "train[:5000]", "", 3, "train[5:5]"])
def test_wrong_split_is_named(split):
    with pytest.raises(ValueError, match="`split` must"):
        datasets.load("digits", split)


@pytest.mark.parametrize("seed", [-1, "a", None, 2**32, 0.5, True])
def test_wrong_seed_is_named(seed):
    with pytest.raises(ValueError, match=r"`seed` must be an integer >= 0.*Received: seed="):
        datasets.load("digits", binarize="fixed", seed=seed)
    with pytest.raises(ValueError, match=r"`seed` must be an integer >= 0.*Received: seed="):
        datasets.binarize(np.zeros([2, 3]), seed)


def test_strokes_splits_have_their_own_seeds():
    x, y = datasets.load("strokes", "train[:20]+test[:10]")
    np.testing.assert_array_equal(x[:20], datasets.strokes.generate(20, seed=0)[0])
    np.testing.assert_array_equal(x[20:], datasets.strokes.generate(10, seed=1)[0])
    assert set(y) == {"digit", "variant", "slant", "thickness", "size", "rotation", "style"}
    assert all(len(value) == 30 for value in y.values())


def test_mnist_is_in_zero_one(mnist):
    x, y = datasets.load(mnist, "test[:500]")
    assert x.shape == (500, 28, 28, 1) and x.dtype == np.float32 and x.min() == 0.0 and x.max() == 1.0
    assert y.dtype == np.int32 and set(y) == set(range(10))
    small, _ = datasets.load(mnist, "test[:5]", image_size=(14, 14))
    assert small.shape == (5, 14, 14, 1)
    np.testing.assert_allclose(small.mean(), x[:5].mean(), atol=0.01)


def test_missing_tfds_set_says_what_to_run_and_where(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    code = "import keras_ae; keras_ae.datasets.load('kmnist')"
    # In its own process: TFDS reads the variable when it is imported.
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    error = result.stderr.strip().splitlines()[-1]
    assert "FileNotFoundError" in error and "tfds.load('kmnist')" in error
    assert str(tmp_path) in error and "download=True" in error and "TFDS_DATA_DIR" in error


def test_unknown_name_gives_close_matches():
    with pytest.raises(ValueError, match=r"Did you mean .*'fashion_mnist'.*Received: name='fashon_mnist'"):
        datasets.load("fashon_mnist")
    with pytest.raises(ValueError, match="`name` must be 'digits', 'strokes'"):
        datasets.load("nope")


@pytest.mark.parametrize("name", ["mnist:9.9.9"])
def test_a_version_that_there_is_not_is_refused_with_those_that_there_are(name):
    with pytest.raises(ValueError, match=rf"`name` must have a version.*Received: name='{name}'.*only: \d\.0\.\d"):
        datasets.load(name)


@pytest.mark.parametrize("name", [3, None, "", np.zeros([3, 4])])
def test_what_is_not_a_name_is_refused(name):
    with pytest.raises(ValueError, match="`name` must be a name or a path"):
        datasets.load(name)


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "nowhere.npz", "~/nowhere-at-all"])
def test_path_that_does_not_exist_is_named(name):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        datasets.load(name)


def test_set_without_images_is_refused():
    with pytest.raises(ValueError, match=r"`name` must be a set of images.*'iris'"):
        datasets.load("iris")


def test_info_and_names():
    assert {"digits", "strokes", "mnist", "cifar10"} <= set(datasets.names())
    info = datasets.info("strokes")
    assert info.image_shape == (28, 28, 1) and info.splits == {"train": 60_000, "test": 10_000}
    assert "style" in info.properties
    assert datasets.info("digits").class_names == tuple("0123456789")


def test_listing_and_strokes_need_no_tensorflow():
    code = (
        "import sys; from keras_ae import datasets; datasets.names(); datasets.strokes.generate(2); "
        "assert 'tensorflow' not in sys.modules and 'tensorflow_datasets' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_attribute_is_an_error():
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = datasets.nothing_here
