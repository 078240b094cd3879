import keras
import numpy as np
import pytest
from scipy.linalg import sqrtm

import keras_ae as kae
from keras_ae.evaluate import frechet_distance


def exactly(loc, covariance, num=50):
    """Features whose mean and covariance are these, not nearly."""
    x = np.random.default_rng(0).normal(size=(num, len(loc)))
    x -= x.mean(axis=0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return np.asarray(loc) + white @ np.linalg.cholesky(np.asarray(covariance)).T


def test_of_two_normal_distributions_it_has_a_closed_form():
    """Covariances with the same axes: |m1 - m2|^2 + sum (s1 - s2)^2."""
    first = exactly([1.0, -2.0, 0.5], np.diag([4.0, 1.0, 0.25]))
    second = exactly([0.0, 1.0, 0.5], np.diag([1.0, 9.0, 0.25]))
    assert frechet_distance(first, second) == pytest.approx((1 + 9 + 0) + (1 + 4 + 0), rel=1e-10)


def test_covariances_with_other_axes_agree_with_the_root_of_scipy():
    rng = np.random.default_rng(1)
    first, second = (rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) for _ in range(2))
    covariances = [np.cov(x, rowvar=False) for x in (first, second)]
    shift = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    expected = shift + np.trace(sum(covariances) - 2 * np.real(sqrtm(covariances[0] @ covariances[1])))
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)


def test_features_that_do_not_span_their_space_have_a_distance_too():
    """Fewer examples than features, and a feature that is always 0: the covariances have no inverse."""
    x = np.random.default_rng(2).normal(size=(5, 20)) * ([0.0] + [1.0] * 19)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)  # roots of eigenvalues that are 0 but for 1e-16
    assert frechet_distance(x, x + 2.0) == pytest.approx(20 * 4.0, rel=1e-6)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.zeros([3]), np.zeros([3, 2])),
        (np.zeros([1, 2]), np.zeros([3, 2])),
        (np.full([3, 2], np.nan), np.zeros([3, 2])),
    ],
)
def test_what_has_no_moments_is_refused(first, second):
    with pytest.raises(ValueError, match=r"`first` must (be finite features|have at least 2 examples)"):
        frechet_distance(first, second)


def test_other_numbers_of_features_are_refused():
    with pytest.raises(ValueError, match=r"equal numbers of features. Received: 2 and 3"):
        frechet_distance(np.zeros([4, 2]), np.zeros([4, 3]))


def test_features_are_what_the_last_layer_is_given():
    hidden = keras.layers.Dense(3, "relu")
    layers = [keras.Input([2, 2, 1]), keras.layers.Flatten(), hidden, keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    x = np.random.default_rng(0).random((5, 2, 2, 1)).astype(np.float32)
    found = kae.evaluate.features(keras.Sequential(layers), x)
    expected = np.maximum(x.reshape(5, 4) @ hidden.kernel.numpy() + hidden.bias.numpy(), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
