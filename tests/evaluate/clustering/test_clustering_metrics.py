"""The clustering metrics of subjects."""

import json

import numpy as np
import pytest

import keras_ae as kae
from keras_ae.evaluate import METRICS, NotApplicableError, Subject

LABELS = np.repeat(np.arange(3), 50)
RNG = np.random.default_rng(0)
X = (np.eye(3)[LABELS] @ RNG.random([3, 16]) + 0.02 * RNG.normal(size=[150, 16])).clip(0, 1).astype("float32")


def first_two(x):
    return x[:, :2]


@pytest.fixture(scope="module")
def subject():
    return Subject(first_two, X, np.array(["a", "b", "c"])[LABELS], seed=3)


def measured(name, subject, **options):
    found = METRICS[name].measure(subject, **options)
    json.dumps([each.details for each in found])
    assert all(np.isfinite(each.value) and each.protocol for each in found)
    return {each.name: each for each in found}


@pytest.mark.parametrize("name", ["kmeans", "gaussian_mixture"])
def test_codes_and_raw_values_are_clustered(name, subject):
    found = measured(name, subject, num_seeds=3)
    scores = ("accuracy", "nmi", "ari", "v_measure", "silhouette", "stability")
    assert list(found) == [f"{space}_{score}" for space in ("codes", "raw") for score in scores]
    assert found["raw_accuracy"].value > 0.95 and found["raw_stability"].value > 0.95
    assert np.shape(found["codes_accuracy"].details["confusion"]) == (3, 3)
    for each in found.values():  # equal runs have no interval
        assert (each.interval is None) == (np.ptp(each.details.get("seeds", [0])) == 0), each


def test_raw_values_that_are_the_codes_are_clustered_once():
    found = measured("kmeans", Subject(lambda x: x, X, LABELS), num_seeds=1)
    assert not any(name.startswith("raw") for name in found) and found["codes_accuracy"].interval is None


def test_hdbscan_has_noise(subject):
    found = measured("hdbscan", subject)
    assert found["raw_accuracy"].value > 0.9 and found["raw_noise"].details["num_clusters"] == 3
    low, high = found["raw_accuracy"].interval
    assert 0.8 < low <= found["raw_accuracy"].value <= high <= 1.0


def test_umap_that_is_not_installed_is_refused(subject, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(NotApplicableError, match="UMAP before clustering needs umap-learn"):
        METRICS["kmeans"].measure(subject, umap_dim=2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: kae.models.GaussianMixtureVAE(latent_dim=2, components=3, objective="elbo"),
        lambda: kae.models.JointVAE(latent_dim=6, categories=(3,)),
        lambda: kae.models.SemiSupervisedVAE(latent_dim=2, condition=kae.Categorical(3)),
    ],
)
def test_a_model_has_its_own_clusters(make):
    model = make()
    model.build((None, 16))
    found = measured("model_clusters", Subject(model, X, LABELS))
    counts = np.array(found["accuracy"].details["confusion"])
    assert counts.sum() == 150 and found["accuracy"].value >= counts.max() / 150


def test_a_model_without_clusters_is_refused():
    model = kae.models.VAE(latent_dim=2)
    model.build((None, 16))
    with pytest.raises(NotApplicableError, match="needs a model with clusters"):
        METRICS["model_clusters"].measure(Subject(model, X, LABELS))


def test_the_number_of_clusters_needs_no_labels():
    subject = Subject(lambda x: x[:, :5], X)
    found = measured("number_of_clusters", subject, candidates=range(2, 5), num_seeds=2)
    assert [each.value for each in found.values()] == [3.0, 3.0, 3.0]
    assert found["gap"].details["candidates"] == [2, 3, 4]


def test_the_contrast_of_codes_stands_beside_noise(subject):
    found = measured("distance_concentration", subject, dims=(1, 4, 64))
    assert list(found) == ["codes", "raw"]
    assert found["raw"].details["noise"]["dims"] == [1, 4, 64] and found["raw"].details["dimension"] == 16
