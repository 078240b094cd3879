"""The number of clusters is found where there are clusters."""

import importlib

import numpy as np
import pytest

from keras_ae.evaluate.clustering import kmeans, num_clusters
from keras_ae.evaluate.clustering.algorithms import fitted_mixture

number = importlib.import_module("keras_ae.evaluate.clustering.num_clusters")  # a function has the same name
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


def test_a_draw_computes_k_means_once_for_all_criteria(monkeypatch):
    calls = []

    def counted(x, num, **settings):
        calls.append(num)
        return kmeans(x, num, **settings)

    monkeypatch.setattr(number, "kmeans", counted)
    draw = number.Draw(GROUPS, 2000, 0)
    for criterion in ("silhouette", "bic", "silhouette"):
        assert draw.choose(criterion, (2, 3, 4)) == num_clusters(GROUPS, criterion, candidates=(2, 3, 4))
    assert sorted(calls) == sorted([2, 3, 4] * 4)  # once in the draw, and once in each call of `num_clusters`
    draw.choose("gap", (2, 3, 4))
    assert len(calls) == 12 + 3 * 5  # of the 5 reference sets


@pytest.mark.parametrize("columns", [1, 2, 70])
def test_a_mixture_starts_at_given_clusters(columns):
    x = np.tile(GROUPS, 35)[:, :columns]
    clusters = kmeans(x, 2)
    mixture = fitted_mixture(x, 2, clusters=clusters)
    assert np.isfinite(mixture.bic(x)) and mixture.bic(x) < fitted_mixture(x, 1).bic(x)
