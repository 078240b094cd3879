"""Codes of several kinds leave the house as the model has them."""

import pytest

import keras_ae as kae
from keras_ae import latents


@pytest.fixture(scope="module")
def model(small):
    posterior = latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(2)], (2, 2))
    prior = latents.MixedPrior([latents.NormalMixture(3), latents.UniformCategorical(2)], (2, 2))
    return small(kae.Categorical(3), posterior=posterior, prior=prior)


@pytest.mark.slow
def test_saved_model(model, tmp_path):
    card = kae.export.saved_model(model, tmp_path / "1")
    assert set(card.errors) == {"decode", "sample", "generate", "encode", "reconstruct", "score"}
    assert set(card.errors["encode"]) == {"z", "scale"}
    for signature, outputs in card.errors.items():  # values near 1, and scores of some 45 nats
        assert all(output["max"] < (1e-4 if signature == "score" else 1e-5) for output in outputs.values())


def test_litert(model, tmp_path):
    card = kae.export.litert(model, tmp_path / "a.tflite")
    assert card.errors["generate"]["x"]["max"] < 1e-5
