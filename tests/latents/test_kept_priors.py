"""A prior that is made with `trainable=False` keeps its weights, whatever is inside of it and happens to the model."""

import numpy as np
import pytest
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.objectives import AdversarialMatching

X, LABELS = np.random.default_rng(0).random((20, 5)).astype("float32"), np.arange(20) % 3
PRIORS = {
    "normal_mixture": lambda **kept: latents.NormalMixture(3, **kept),
    "real_nvp": lambda **kept: latents.RealNVP(**kept),
    "mixed, its parts": lambda **kept: latents.MixedPrior(
        [latents.NormalMixture(3, **kept), latents.RealNVP(**kept)], [2, 2]
    ),
    "mixed": lambda **kept: latents.MixedPrior([latents.NormalMixture(3), latents.RealNVP()], [2, 2], **kept),
    "vamp": lambda **kept: latents.VampPrior(3, **kept),
    "masked_autoregressive_flow": lambda **kept: latents.MaskedAutoregressiveFlow(**kept),
    "conditional_normal": lambda **kept: latents.ConditionalNormal(**kept),
    "hierarchical_normal": lambda **kept: latents.HierarchicalNormal((2, 2), **kept),
}


def model_of(prior, **arguments):
    network = kae.networks.MLP
    parts = {"prior": prior, "condition": kae.Categorical(3), **arguments}
    if isinstance(prior, latents.MixedPrior):
        parts["posterior"] = latents.MixedPosterior([latents.DiagonalNormal(), latents.DiagonalNormal()], [2, 2])
    model = kae.Autoencoder(network([8]), network([8]), latent_dim=4, **parts)
    model.compile(run_eagerly=True)
    return model


def trained(model):
    """The weights of the prior before and after a step."""
    model.build((None, 5))
    before = [weight.numpy() for weight in model.prior_layer.weights]
    model.fit(X, LABELS, batch_size=20, verbose=0)
    return before, [weight.numpy() for weight in model.prior_layer.weights]


def same(before, after):
    return [bool(np.array_equal(a, b)) for a, b in zip(before, after, strict=True)]


@pytest.mark.parametrize("name", PRIORS)
def test_it_keeps_its_weights_also_after_loading(name, tmp_path):
    model = model_of(PRIORS[name](trainable=False))
    assert all(same(*trained(model)))
    assert not {each.path for each in model.prior_layer.weights} & {each.path for each in model.trainable_variables}
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert all(same(*trained(again)))
    assert not all(same(*trained(model_of(PRIORS[name]()))))  # as it learns without


@pytest.mark.parametrize("name", first(3, PRIORS))
def test_an_objective_that_trains_no_prior_takes_it(name, tmp_path):
    with pytest.raises(ValueError, match=r"would never be trained.*trainable=False"):
        model_of(PRIORS[name](), objective=AdversarialMatching())
    model = model_of(PRIORS[name](trainable=False), objective=AdversarialMatching())
    model.trainable = False
    model.trainable = True  # of all but what is kept
    assert all(same(*trained(model)))
    model.save(tmp_path / "model.keras")
    assert not kae.load(tmp_path / "model.keras").prior_layer.learns


def test_a_layer_that_is_frozen_later_is_thawed_as_in_keras():
    model = model_of(latents.RealNVP())
    model.prior_layer.trainable = False
    assert all(same(*trained(model)))
    model.prior_layer.trainable = True
    model.compile(run_eagerly=True)
    assert not all(same(*trained(model)))


def test_it_is_yes_or_no():
    with pytest.raises(ValueError, match=r"`trainable` must be True or False\. Received: trainable='no'"):
        latents.RealNVP(trainable="no")
