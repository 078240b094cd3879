"""Every likelihood with both networks, both priors and all kinds of conditions gives what the model gives."""

import pytest

import keras_ae as kae
from keras_ae.likelihoods import Normal
from keras_ae.networks import MLP, ConvDecoder, ConvEncoder

NETWORKS = {
    "mlp": lambda: {"encoder": MLP([16]), "decoder": MLP([32])},
    "conv": lambda: {"encoder": ConvEncoder([4, 8]), "decoder": ConvDecoder([8, 16])},
}
LIKELIHOODS = {
    "bernoulli": lambda: "bernoulli",
    "continuous_bernoulli": lambda: "continuous_bernoulli",
    "normal_shared": lambda: Normal("shared"),
    "normal_pixel": lambda: Normal("pixel"),
    "normal_fixed": lambda: Normal(0.5),
}
CONDITIONS = {
    "none": lambda: None,
    "categorical": lambda: kae.Categorical(10),
    "continuous": lambda: kae.Continuous(),
    "mixed": lambda: {"digit": kae.Categorical(5), "tilt": kae.Continuous(2)},
}
# Each likelihood meets each network; conditions and priors change from line to line.
COMBINATIONS = [
    ("mlp", "bernoulli", "standard_normal", "none"),
    ("mlp", "continuous_bernoulli", "normal_mixture", "categorical"),
    ("mlp", "normal_shared", "standard_normal", "continuous"),
    ("mlp", "normal_pixel", "normal_mixture", "mixed"),
    ("mlp", "normal_fixed", "normal_mixture", "none"),
    ("conv", "bernoulli", "normal_mixture", "categorical"),
    ("conv", "continuous_bernoulli", "standard_normal", "none"),
    ("conv", "normal_shared", "normal_mixture", "mixed"),
    ("conv", "normal_pixel", "standard_normal", "categorical"),
    ("conv", "normal_fixed", "standard_normal", "continuous"),
]


def compose(small, network, likelihood, prior, condition):
    parts = {**NETWORKS[network](), "likelihood": LIKELIHOODS[likelihood](), "prior": prior}
    return small(CONDITIONS[condition](), event_shape=(10, 9, 2), **parts)


def test_no_part_is_missing():
    assert {likelihood.split("_")[0] for likelihood in LIKELIHOODS} == {
        name.split("_")[0] for name in kae.likelihoods.LIKELIHOODS
    }
    assert {prior for _, _, prior, _ in COMBINATIONS} == set(kae.latents.PRIORS)
    assert {network for network, *_ in COMBINATIONS} == set(kae.networks.DECODERS)
    pairs = {(network, likelihood) for network, likelihood, *_ in COMBINATIONS}
    assert pairs == {(network, likelihood) for network in NETWORKS for likelihood in LIKELIHOODS}


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_litert(small, combination, tmp_path):
    model = compose(small, *combination)
    exact = kae.export.litert(model, tmp_path / "a.tflite")
    int8 = kae.export.litert(model, tmp_path / "b.tflite", quantize="dynamic")
    assert exact.errors["decode"]["x"]["max"] < 1e-5 and exact.errors["generate"]["x"]["max"] < 1e-5
    assert int8.errors["decode"]["x"]["rms"] < 0.02 and int8.errors["generate"]["x"]["rms"] < 0.02


# A few: another process takes seconds to import TensorFlow. `test_saved_model.py` has the Bernoulli likelihood.
@pytest.mark.parametrize("combination", [COMBINATIONS[1], COMBINATIONS[3], COMBINATIONS[7]], ids="-".join)
def test_saved_model(small, combination, tmp_path):
    card = kae.export.saved_model(compose(small, *combination), tmp_path / "1")
    assert set(card.errors) == {"decode", "generate", "encode", "reconstruct"}
    assert all(output["max"] < 1e-5 for outputs in card.errors.values() for output in outputs.values())
