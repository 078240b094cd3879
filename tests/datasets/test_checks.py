"""Arrays, labels and streams of the user's own are checked at the door."""

import numpy as np
import pytest

from keras_ae.datasets import batches, check
from keras_ae.datasets.checks import check_labels


def test_good_arrays_pass_untouched():
    x = np.random.RandomState(0).rand(3, 4).astype(np.float32)
    assert check(x) is x
    assert check(x.astype(np.float64)).dtype == np.float32
    np.testing.assert_array_equal(check(np.array([[True, False]])), [[1.0, 0.0]])
    assert check(np.array([[-7.0]]), support=None) == -7.0


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 3), np.uint8), "Divide 8-bit images by 255.*Received: dtype uint8"),
        (np.zeros((2, 3), np.int64), "must be floats.*Received: dtype int64"),
        (np.array([["a"]]), "must be floats.*Received: dtype <U1"),
        (np.zeros(3), r"must have shape \[N, \.\.\.\].*\[3\]"),
        (np.zeros((0, 3)), r"at least one example.*\[0, 3\]"),
        (np.array([[0.0, 1.0], [0.0, np.nan]]), r"`images` must be finite. Received: nan at index \(1, 1\)"),
        (np.array([[0.0, -np.inf]]), r"must be finite. Received: -inf at index \(0, 1\)"),
        (np.array([[0.0, 1e39]]), r"must be within 3.4e38, the range of float32. Received: 1e\+39 at index \(0, 1\)"),
        (np.array([[0.0, -0.5]]), r"must be in \[0, 1\]. Received: -0.5 at index \(0, 1\)"),
        (np.array([[0.0, 255.0]]), r"must be in \[0, 1\]. Divide 8-bit images by 255. Received: 255 at index \(0, 1\)"),
    ],
)
def test_bad_arrays_are_explained(x, message):
    with pytest.raises(ValueError, match=message):
        check(x, "images")


def test_labels_may_be_unknown():
    np.testing.assert_array_equal(check_labels([2.0, -1.0, 0.0], 3), np.int32([2, -1, 0]))
    assert [y.numpy().tolist() for _, y in batches(np.zeros((3, 2)), [2, -1, 0], shuffle=False)] == [[2, -1, 0]]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "one entry for each of 3 examples"),
        (3, "one entry for each of 3 examples"),
        ([[0], [1], [2]], r"must have shape \[N\]"),
        (["a", "b", "c"], "whole numbers >= 0, or -1 where unknown. Received: dtype"),
        ([0, -1, -2], "or -1 where unknown. Received: -2 at index 2"),
        ([0.0, np.nan, 1.0], "Received: nan at index 1"),
        ([0.0, 1.0, np.inf], "Received: inf at index 2"),
        ({"angle": [1.0]}, r"`y\['angle'\]` must have one entry"),
        ({"angle": [0.0, np.nan, 1.0]}, r"`y\['angle'\]` must be finite. Received: nan at index \(1,\)"),
        ({"pen": [[0.0, 1.0], [0.0, 1.0], [0.0, -np.inf]]}, r"`y\['pen'\]` must be finite.* -inf at index \(2, 1\)"),
    ],
)
def test_bad_labels_are_explained(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y, 3)
    with pytest.raises(ValueError, match=message):
        batches(np.zeros((3, 2), np.float32), y)
