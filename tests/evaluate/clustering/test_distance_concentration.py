"""Distances concentrate as dimensions grow."""

import numpy as np

from keras_ae.evaluate.clustering import noise_contrast, relative_contrast

RNG = np.random.default_rng(0)


def test_the_contrast_is_its_definition():
    x = RNG.normal(size=[60, 4])
    distances = np.linalg.norm(x[:, np.newaxis] - x, axis=-1)
    np.fill_diagonal(distances, np.nan)
    expected = (np.nanmax(distances, axis=1) - np.nanmin(distances, axis=1)) / np.nanmin(distances, axis=1)
    # The queries are in another order. Values are float32 before the distances.
    np.testing.assert_allclose(np.sort(relative_contrast(x)), np.sort(expected), rtol=1e-4)


def test_copies_of_an_example_do_not_count():
    x = RNG.normal(size=[50, 3])
    once, twice = relative_contrast(x), relative_contrast(np.concatenate([x, x]))
    np.testing.assert_allclose(np.unique(twice.round(3)), np.unique(once.round(3)))


def test_the_contrast_of_noise_falls_as_its_theory_says():
    """In D dimensions, the distances of normal noise are sqrt(2 D) with a standard deviation of 1."""
    curve = noise_contrast((2, 16, 128, 1024), num_examples=500, num_queries=50)
    assert (np.diff(curve) < 0).all()
    # The range of 500 normal values is 6 on average, and between 5 and 7 for most draws.
    assert 5 / np.sqrt(2 * 1024) < curve[-1] < 7 / np.sqrt(2 * 1024)
