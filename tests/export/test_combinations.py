"""Exports of every likelihood, network, prior and kind of condition give what the model gives.

They are run in this process: `test_comparison.py` and `test_saved_model.py` have the other one.
"""

import functools

import numpy as np
import pytest
from parts import part, parts_with
from tiers import first

import keras_ae as kae
from keras_ae.latents import Deterministic
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.latents.spaces import Formula
from keras_ae.likelihoods import Normal
from keras_ae.networks import MLP, ConvDecoder, ConvEncoder, GatedMLP, ResNetDecoder, ResNetEncoder

NETWORKS = {
    "mlp": lambda: {"encoder": MLP([16]), "decoder": MLP([32])},
    "conv": lambda: {"encoder": ConvEncoder([4, 8]), "decoder": ConvDecoder([8, 16])},
    "gated_mlp": lambda: {"encoder": GatedMLP([16]), "decoder": GatedMLP([32])},
    "resnet": lambda: {"encoder": ResNetEncoder([4, 8], blocks=1), "decoder": ResNetDecoder([8, 16], blocks=1)},
}
LIKELIHOODS = {
    "bernoulli": lambda: "bernoulli",
    "continuous_bernoulli": lambda: "continuous_bernoulli",
    "normal_shared": lambda: Normal("shared"),
    "normal_pixel": lambda: Normal("pixel"),
    "normal_fixed": lambda: Normal(0.5),
    "laplace": lambda: "laplace",
    "discretized_logistic": lambda: "discretized_logistic",
    "discretized_logistic_mixture": lambda: "discretized_logistic_mixture",
    "categorical": lambda: kae.likelihoods.Categorical(levels=6),
    "poisson": lambda: "poisson",
    "negative_binomial": lambda: "negative_binomial",
}
CONDITIONS = {
    "none": lambda: None,
    "categorical": lambda: kae.Categorical(10),
    "continuous": lambda: kae.Continuous(),
    "mixed": lambda: {"digit": kae.Categorical(5), "tilt": kae.Continuous(2)},
}
# Priors with arguments, or over other codes than real vectors, and the posterior that goes with them.
PARTS = {
    "spherical_uniform": lambda: {"prior": "spherical_uniform", "posterior": "power_spherical"},
    "uniform_categorical": lambda: {
        "prior": kae.latents.UniformCategorical(2),
        "posterior": kae.latents.RelaxedCategorical(2),
    },
    "hierarchical_normal": lambda: {
        "prior": kae.latents.HierarchicalNormal((2, 1, 1), hidden=(5,)),
        "posterior": "ladder_normal",
    },
    "vamp": lambda: {"prior": kae.latents.VampPrior(6), "posterior": "inverse_autoregressive_flow"},
}
ELSEWHERE = {"mixed", "autoregressive"}  # in test_mixed_codes.py, and in tests/conformance
# Each part at least once, next to others than in the models of the zoo, which tests/conformance exports.
COMBINATIONS = [
    ("mlp", "bernoulli", "normal_mixture", "none"),
    ("conv", "continuous_bernoulli", "standard_normal", "categorical"),
    ("mlp", "normal_shared", "conditional_normal", "continuous"),
    ("gated_mlp", "laplace", "masked_autoregressive_flow", "mixed"),
    ("resnet", "discretized_logistic", "real_nvp", "categorical"),
    ("conv", "normal_pixel", "normal_mixture", "mixed"),
    ("mlp", "normal_fixed", "hierarchical_normal", "none"),
    ("conv", "discretized_logistic_mixture", "vamp", "categorical"),
    ("mlp", "categorical", "spherical_uniform", "none"),
    ("mlp", "poisson", "uniform_categorical", "continuous"),
    ("conv", "negative_binomial", "standard_normal", "none"),
]
# Of what is new, the first of the others.
_MADE = {type(kae.likelihoods.get(make())) for make in LIKELIHOODS.values()}
_NEW = [name for name, cls in kae.likelihoods.LIKELIHOODS.items() if cls not in _MADE]
LIKELIHOODS |= {name: functools.partial(part, "likelihood", name) for name in _NEW}
COMBINATIONS += [("mlp", name, "standard_normal", "none") for name in _NEW]
COMBINATIONS += [
    ("mlp", "bernoulli", prior, "categorical")
    for prior in sorted(set(kae.latents.PRIORS) - ELSEWHERE - {prior for _, _, prior, _ in COMBINATIONS})
]
# All networks but the gated one, and the likelihoods whose formulas are the furthest from linear.
QUANTIZED = [
    *(("dynamic", COMBINATIONS[row]) for row in (0, 4, 5, 7)),
    *(("int8", COMBINATIONS[row]) for row in (1, 6, 8, 9)),
]


def compose(small, network, likelihood, prior, condition):
    parts = PARTS.get(prior, lambda: parts_with("prior", prior))()
    parts = {**NETWORKS[network](), "likelihood": LIKELIHOODS[likelihood](), **parts}
    parts.pop("latent_dim", None)  # which is that of `small`
    model = small(CONDITIONS[condition](), event_shape=(10, 9, 2), **parts)
    rng = np.random.default_rng(0)  # many priors start as the standard normal
    model.prior_layer.set_weights([w + rng.normal(size=w.shape, scale=0.3) for w in model.prior_layer.get_weights()])
    return model


def test_no_part_is_missing():
    made = [kae.likelihoods.get(make()) for make in LIKELIHOODS.values()]
    assert {type(likelihood) for likelihood in made} == set(kae.likelihoods.LIKELIHOODS.values())
    assert {network for network, *_ in COMBINATIONS} == set(kae.networks.DECODERS)
    assert {likelihood for _, likelihood, *_ in COMBINATIONS} == set(LIKELIHOODS)
    assert {condition for *_, condition in COMBINATIONS} == set(CONDITIONS)


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.mark.parametrize("combination", first(1, [(row,) for row in COMBINATIONS]), ids="-".join)
def test_litert(small, combination, tmp_path):
    model = compose(small, *combination)
    exact = kae.export.litert(model, tmp_path / "a.tflite")
    assert exact.errors["decode"]["x"]["max"] < 1e-5 and exact.errors["generate"]["x"]["max"] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("quantize", "combination"), QUANTIZED)
def test_quantized(small, quantize, combination, tmp_path):
    model = compose(small, *combination)
    int8 = kae.export.litert(model, tmp_path / "b.tflite", quantize=quantize)
    assert int8.errors["decode"]["x"]["rms"] < 0.02 and int8.errors["generate"]["x"]["rms"] < 0.02


# `test_saved_model.py` has the Bernoulli likelihood.
@pytest.mark.slow
@pytest.mark.parametrize("combination", [COMBINATIONS[row] for row in (1, 5, 9)], ids="-".join)
def test_saved_model(small, combination, tmp_path):
    card = kae.export.saved_model(compose(small, *combination), tmp_path / "1")
    assert set(card.errors) == {"decode", "sample", "generate", "encode", "reconstruct", "score"}
    for signature, outputs in card.errors.items():  # values near 1, and scores of hundreds of nats
        assert all(output["max"] < (1e-3 if signature == "score" else 1e-5) for output in outputs.values())


def takes_pseudo_inputs(posterior):
    return Formula.LOG_PROB in posterior.formulas and not isinstance(posterior, (Deterministic, HierarchicalPosterior))


POSTERIORS = sorted(set(kae.latents.POSTERIORS) - ELSEWHERE)
DRAWN = [name for name in POSTERIORS if takes_pseudo_inputs(kae.latents.posteriors.get(name))]


@pytest.mark.slow
@pytest.mark.parametrize("posterior", DRAWN)
def test_litert_draws_from_every_posterior(small, posterior, tmp_path):
    """As the prior of pseudo-inputs makes it do."""
    model = small(posterior=posterior, prior=kae.latents.VampPrior(6))
    card = kae.export.litert(model, tmp_path / "a.tflite")
    assert card.errors["generate"]["x"]["max"] < 1e-5
