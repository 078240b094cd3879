"""The map metrics of subjects."""

import numpy as np
import pytest

from keras_ae.evaluate import METRICS, Subject
from keras_ae.evaluate.maps import trustworthiness

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(3), 40)
X = (np.eye(3)[LABELS] @ RNG.random([3, 6]) + 0.05 * RNG.normal(size=[120, 6])).astype("float32")


def first_three(x):
    return x[:, :3]


@pytest.fixture
def subject(monkeypatch):
    monkeypatch.setattr("keras_ae.evaluate.maps.metrics._has_umap", lambda: False)
    return Subject(first_three, X, LABELS)


def test_codes_stand_beside_maps_of_the_raw_values(subject):
    for name in ("knn_accuracy", "trustworthiness", "continuity"):
        found = METRICS[name].measure(subject)
        assert [each.name for each in found] == ["codes", "codes_2d", "pca", "tsne"]
        assert [each.details["dimension"] for each in found] == [3, 2, 2, 2]
        assert all(each.interval[0] <= each.value <= each.interval[1] for each in found)
        assert all(0.7 < each.value <= 1 for each in found)
    expected = trustworthiness(X, X[:, :3])
    np.testing.assert_allclose(METRICS["trustworthiness"].measure(subject)[0].value, expected, rtol=1e-9)


def test_one_map_serves_all_metrics(subject, monkeypatch):
    asked = []
    monkeypatch.setattr("keras_ae.evaluate.maps.metrics.codes_2d", lambda x, m, seed: asked.append(m) or (x[:, :2], ()))
    for name in ("knn_accuracy", "trustworthiness", "continuity"):
        METRICS[name].measure(subject, baselines=("pca",), max_examples=60)
    assert asked == ["pca", "pca"]  # of the codes, and of the raw values


@pytest.mark.slow
def test_umap_is_a_baseline_where_it_is_installed():
    pytest.importorskip("umap")
    found = METRICS["knn_accuracy"].measure(Subject(first_three, X, LABELS), baselines=("umap",))
    assert [each.name for each in found] == ["codes", "codes_2d", "umap"]
