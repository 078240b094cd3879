"""Distances to usual examples are scikit-learn's, also in a graph."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from keras_ae.outliers.neighbors import MOST_ROWS, K, fit_neighbors, usual_distances

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dim", [2, 20])
def test_the_distances_are_means_over_the_neighbors_after_the_nearest(dim):
    mix = RNG.normal(size=[dim, dim]) + 2.0 * np.eye(dim)
    usual, x = RNG.normal(size=[200, dim]) @ mix + 1e3, RNG.normal(size=[30, dim]) @ mix + 1e3
    found = fit_neighbors(usual, 0)
    scaled = (usual - usual.mean(axis=0)) / usual.std(axis=0)
    covariance = LedoitWolf(assume_centered=True).fit(scaled).covariance_ + 1e-3 * np.eye(dim)
    for name, metric in (
        ("neighbors", {"metric": "euclidean"}),
        ("whitened_neighbors", {"metric": "mahalanobis", "metric_params": {"VI": np.linalg.inv(covariance)}}),
    ):
        nearest = NearestNeighbors(n_neighbors=K + 1, algorithm="brute", **metric).fit(scaled)
        for each in (x, usual):
            distance = nearest.kneighbors((each - usual.mean(axis=0)) / usual.std(axis=0))[0][:, 1:].mean(axis=1)
            np.testing.assert_allclose(found[name](each), distance, rtol=1e-4, atol=2e-4)  # center, factors in float32
            # Values of 1,000 have an error of 3e-5 in float32, where columns have a standard deviation of about 1.
            np.testing.assert_allclose(found[name](tf.constant(each, tf.float32)), distance, rtol=2e-3, atol=2e-3)


def test_a_row_that_is_kept_is_no_neighbor_of_itself():
    usual = np.arange(20.0)[:, np.newaxis]
    found = fit_neighbors(usual, 0)["neighbors"]
    # Its neighbors are 1, 1, 2, 2, 3 rows away.
    np.testing.assert_allclose(found(usual[10:11]), 9 / 5 / usual.std(), rtol=1e-5)


def test_rounding_does_not_order_equal_rows():
    usual = np.repeat(RNG.normal(size=[5, 30]), 20, axis=0)
    found = fit_neighbors(usual, 0)["neighbors"]
    np.testing.assert_allclose(found(tf.constant(usual, tf.float32)), found(usual), atol=1e-6)
    assert np.ptp(found(usual)) == 0.0


def test_a_sample_of_many_rows_is_kept():
    found = fit_neighbors(RNG.normal(size=[3 * MOST_ROWS, 2]), 0)
    assert all(each.rows.shape == (MOST_ROWS, 2) for each in found.values())


def test_few_and_constant_rows_have_distances():
    for usual in (np.ones([10, 3]), RNG.normal(size=[2, 3])):
        for each in fit_neighbors(usual, 0).values():
            near, far = each(tf.constant([usual[0], usual[0] + 2.0], tf.float32)).numpy()
            assert np.isfinite([near, far]).all() and far >= near


def test_the_fence_is_tukeys():
    distances = np.exp(np.append(RNG.normal(size=1000), [4.0, 9.0]))
    low, high = np.quantile(np.log(distances), [0.25, 0.75])
    expected = np.log(distances) <= high + 1.5 * (high - low)
    np.testing.assert_array_equal(usual_distances(distances), expected)
    assert not expected[-2:].any() and expected.mean() > 0.98
    assert usual_distances(np.zeros(5)).all()
