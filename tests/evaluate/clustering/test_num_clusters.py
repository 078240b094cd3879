"""The number of clusters is found where there are clusters."""

import numpy as np
import pytest

from keras_ae.evaluate.clustering import num_clusters

RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.array([[0, 0], [9, 0], [0, 9], [9, 9]]), 30, axis=0) + RNG.normal(size=[120, 2])


@pytest.mark.parametrize("criterion", ["silhouette", "bic", "gap"])
def test_the_number_of_groups_is_found(criterion):
    found = num_clusters(GROUPS, criterion, candidates=range(2, 7))
    assert found.best == 4 and found.candidates == (2, 3, 4, 5, 6) and np.isfinite(found.values).all()
    assert found == num_clusters(GROUPS, criterion, candidates=range(2, 7))


@pytest.mark.parametrize("criterion", ["bic", "gap"])
def test_noise_is_one_cluster(criterion):
    noise = RNG.normal(size=[150, 3]) if criterion == "bic" else RNG.random([150, 3])
    assert num_clusters(noise, criterion, candidates=range(1, 5)).best == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"criterion": "elbow"}, '`criterion` must be "silhouette", "bic" or "gap"'),
        ({"candidates": (3, 2)}, "`candidates` must be ascending"),
        ({"candidates": (2, 100)}, "at most half of the 120 examples"),
        ({"candidates": (1, 2)}, "must start at 2"),
        ({"candidates": ()}, "`candidates` must be a sequence"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        num_clusters(GROUPS, **arguments)
