"""Clustering algorithms find groups that are there, and follow their seed."""

import sys
import types

import numpy as np
import pytest

from keras_ae.evaluate.clustering import accuracy, gaussian_mixture, hdbscan, kmeans, umap_codes

LABELS = np.repeat(np.arange(3), 40)
CENTERS = np.array([[0.0, 0.0, 0.0], [6.0, 0.0, 0.0], [0.0, 6.0, 0.0]])
GROUPS = CENTERS[LABELS] + np.random.default_rng(0).normal(size=[120, 3])


@pytest.mark.parametrize("algorithm", [kmeans, gaussian_mixture])
def test_groups_are_found_and_one_seed_gives_one_clustering(algorithm):
    found = algorithm(GROUPS, 3, seed=1)
    assert found.dtype == np.int64 and set(found) == {0, 1, 2}
    assert accuracy(LABELS, found) > 0.95
    np.testing.assert_array_equal(found, algorithm(GROUPS, 3, seed=1))


def test_a_mixture_finds_long_groups_that_k_means_cuts():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 150)
    x = np.stack([rng.normal(scale=8.0, size=300), rng.normal(scale=0.3, size=300) + 3 * labels], axis=1)
    assert accuracy(labels, gaussian_mixture(x, 2)) > 0.98
    assert accuracy(labels, kmeans(x, 2)) < 0.7


def test_a_mixture_takes_many_dimensions_of_which_some_are_constant():
    x = np.pad(GROUPS, [(0, 0), (0, 97)])
    assert accuracy(LABELS, gaussian_mixture(x, 3)) > 0.95


def test_hdbscan_finds_the_number_of_groups_and_noise():
    x = np.concatenate([GROUPS * 0.3, [[40.0, 40.0, 40.0]]])
    found = hdbscan(x)
    assert set(found) >= {0, 1, 2} and found.max() == 2 and found[-1] == -1
    assert (hdbscan(np.ones([30, 2])) == -1).all()


@pytest.mark.parametrize("algorithm", [kmeans, gaussian_mixture])
def test_fewer_distinct_rows_than_clusters_are_refused(algorithm):
    with pytest.raises(ValueError, match="`x` must have at least `num_clusters`=3 distinct rows"):
        algorithm(np.repeat([[0.0], [1.0]], 5, axis=0), 3)


def test_umap_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match=r'needs umap-learn: pip install "keras_ae\[umap\]"'):
        umap_codes(GROUPS)


def test_umap_gets_its_settings(monkeypatch):
    """umap-learn is an extra: what it is called with, by a stand-in."""

    class Stub:
        def __init__(self, **settings):
            self.settings = settings

        def fit_transform(self, x):
            return x[:, : self.settings["n_components"]] * self.settings["n_neighbors"]

    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Stub))
    np.testing.assert_allclose(umap_codes(GROUPS, 2, num_neighbors=5), GROUPS[:, :2] * 5, rtol=1e-5)


@pytest.mark.slow
def test_umap_separates_groups():
    pytest.importorskip("umap")
    assert accuracy(LABELS, kmeans(umap_codes(GROUPS, 2), 3)) > 0.95
