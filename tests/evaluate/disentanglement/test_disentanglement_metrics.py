"""The disentanglement metrics of subjects."""

import json

import numpy as np
import pytest
from known_codes import FACTORS, IDENTITY, ROTATION

import keras_ae as kae
from keras_ae.datasets import strokes
from keras_ae.evaluate import METRICS, NotApplicableError, Subject, disentanglement

QUICK = {
    "factor_vae_score": {"num_train": 100, "num_eval": 100},
    "beta_vae_score": {"num_train": 100, "num_eval": 100},
    "dci": {"num_seeds": 2, "max_examples": 300},
    "explicitness": {"num_seeds": 2},
    "downstream_accuracy": {"num_seeds": 2, "train_sizes": (10, 300, 10_000), "classifiers": ("logistic_regression",)},
}
NAMES = [each.name for each in METRICS.values() if each.family == "disentanglement"]


def rotated(x):
    return x @ ROTATION.astype(x.dtype)


@pytest.fixture(scope="module")
def subject():
    subject = Subject(rotated, IDENTITY, factors=FACTORS, seed=2)
    subject.other_seeds = [Subject(np.negative, IDENTITY)]
    return subject


@pytest.mark.parametrize("name", NAMES)
def test_measurements_have_intervals_and_a_protocol(name, subject):
    found = METRICS[name].measure(subject, **QUICK.get(name, {}))
    json.dumps([each.details for each in found])
    for each in found:
        low, high = each.interval
        assert low <= each.value <= high and each.protocol and each.better, each
    assert len({each.name for each in found}) == len(found)


def test_a_measurement_is_the_score_of_the_codes(subject):
    (found,) = METRICS["mutual_information_gap"].measure(subject)
    expected = disentanglement.mutual_information_gap(subject.codes, FACTORS)
    np.testing.assert_allclose(found.value, expected)
    assert np.shape(found.details["information"]) == (3, 3) and found.details["factors"] == list(FACTORS)


def test_unsupervised_scores_need_no_factors():
    found = {each.name: each.value for each in METRICS["unsupervised_scores"].measure(Subject(rotated, IDENTITY))}
    assert list(found) == [
        "gaussian_total_correlation",
        "gaussian_wasserstein_correlation",
        "mutual_information_score",
    ]
    expected = disentanglement.mutual_information_score(rotated(IDENTITY.astype("float32")))
    np.testing.assert_allclose(found["mutual_information_score"], expected)


def test_pairs_of_very_many_dimensions_are_left_out():
    many = Subject(lambda x: np.tile(x, (1, 101)), IDENTITY)
    with pytest.raises(NotApplicableError, match=r"all pairs of code dimensions, of at most 100\. Received: \d{3}"):
        list(METRICS["unsupervised_scores"].measure(many))


def test_train_sizes_beyond_the_data_are_left_out_and_labels_serve_as_a_factor():
    subject = Subject(rotated, IDENTITY, FACTORS["shape"])
    found = METRICS["downstream_accuracy"].measure(subject, **QUICK["downstream_accuracy"])
    assert [each.name for each in found] == ["logistic_regression_10", "logistic_regression_300"]
    assert found[0].details["factors"] == ["label"] and found[1].value > 0.9


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unsupervised_disentanglement_ranking", "needs models of one recipe with several seeds"),
        ("downstream_accuracy", "needs factors or labels"),
        ("dci", "dci needs factors"),
    ],
)
def test_what_is_missing_is_said(name, message):
    with pytest.raises(NotApplicableError, match=message):
        METRICS[name].measure(Subject(rotated, IDENTITY))


def test_a_single_factor_is_refused():
    with pytest.raises(NotApplicableError, match="needs at least 2 factors"):
        METRICS["modularity"].measure(Subject(rotated, IDENTITY, factors={"shape": FACTORS["shape"]}))


def test_interventions_on_strokes_are_drawn_and_encoded():
    properties = strokes.sample_properties(40)
    factors = {name: properties[name] for name in ("digit", "slant", "thickness")}
    model = kae.models.VAE(latent_dim=3)
    model.build((None, 28, 28, 1))
    subject = Subject(model, strokes.render(factors), factors=factors)
    (found,) = METRICS["factor_vae_score"].measure(subject, simulator=strokes.render, num_train=3, num_eval=4)
    assert 0 <= found.value <= 1 and "simulated interventions" in found.protocol


def test_a_conditional_model_has_no_interventions():
    model = kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(4), likelihood="normal")
    model.build((None, 3))
    subject = Subject(model, IDENTITY, FACTORS["shape"], factors=FACTORS)
    with pytest.raises(NotApplicableError, match="needs a model without a condition"):
        METRICS["beta_vae_score"].measure(subject, simulator=lambda factors: IDENTITY)
