"""Scores of clusters without labels, from their definitions."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from keras_ae.evaluate.clustering import silhouette, stability

RNG = np.random.default_rng(0)


def test_the_silhouette_is_its_definition():
    x, clusters = RNG.normal(size=[40, 3]), np.append(RNG.integers(3, size=39), 9)
    distances = np.linalg.norm(x[:, np.newaxis] - x, axis=-1)
    values = []
    for i, own in enumerate(clusters):
        mean = {each: distances[i, clusters == each].sum() / (clusters == each).sum() for each in set(clusters)}
        size = (clusters == own).sum()
        near, others = mean.pop(own) * size / max(size - 1, 1), min(mean.values())
        values.append((others - near) / max(others, near) if size > 1 else 0.0)
    # Values are float32 before the distances.
    np.testing.assert_allclose(silhouette(x, clusters), np.mean(values), rtol=1e-5)


def test_the_silhouette_of_a_draw_is_near_that_of_all():
    x = np.concatenate([RNG.normal(size=[1500, 2]), RNG.normal(size=[1500, 2]) + 5])
    clusters = np.repeat([0, 1], 1500)
    # The silhouettes spread by .2: the mean of 500 has an error of .01.
    np.testing.assert_allclose(silhouette(x, clusters, max_examples=500), silhouette(x, clusters), atol=0.04)


def test_noise_has_no_silhouette_and_constant_data_a_silhouette_of_0():
    x, clusters = RNG.normal(size=[30, 2]), np.repeat([0, 1, -1], 10)
    assert silhouette(x, clusters) == silhouette(x[:20], clusters[:20])
    assert silhouette(np.ones([10, 2]), np.arange(10) % 2) == 0.0


def test_stability_is_the_mean_over_pairs():
    runs = RNG.integers(3, size=[3, 50])
    pairs = [adjusted_rand_score(runs[a], runs[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(stability(runs), np.mean(pairs))
    assert stability([runs[0], (runs[0] + 1) % 3]) == pytest.approx(1.0)
