"""A prior that is made with `trainable=False` keeps its weights, whatever is inside of it and happens to the model."""

import numpy as np
import pytest
from parts import part, parts_with
from tiers import first

import keras_ae as kae
from keras_ae import latents
from keras_ae.latents.priors.prior import LearnedPrior
from keras_ae.objectives import AdversarialMatching

X, LABELS = np.random.default_rng(0).random((20, 5)).astype("float32"), np.arange(20) % 3
LEARNED = sorted(name for name, cls in latents.PRIORS.items() if issubclass(cls, LearnedPrior))
OF_PARTS = "mixed, its parts"
NAMES = [*LEARNED, OF_PARTS]
OF_REAL_NUMBERS = [name for name in NAMES if "posterior" not in parts_with("prior", name.partition(",")[0])]


def prior_of(name, **kept):
    """A small prior, of which `kept` are arguments; of `OF_PARTS`, they are arguments of its parts."""
    if name == OF_PARTS:
        return part("prior", "mixed", parts=[latents.NormalMixture(3, **kept), latents.RealNVP(**kept)])
    return part("prior", name, **kept)


def model_of(name, prior, **arguments):
    network = kae.networks.MLP
    parts = {**parts_with("prior", name.partition(",")[0]), "prior": prior, "condition": kae.Categorical(3)}
    model = kae.Autoencoder(network([8]), network([8]), **{**parts, **arguments})
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


@pytest.mark.parametrize("name", first(1, NAMES))
def test_it_keeps_its_weights_also_after_loading(name, tmp_path):
    model = model_of(name, prior_of(name, trainable=False))
    assert all(same(*trained(model)))
    assert not {each.path for each in model.prior_layer.weights} & {each.path for each in model.trainable_variables}
    model.save(tmp_path / "model.keras")
    again = kae.load(tmp_path / "model.keras")
    assert all(same(*trained(again)))
    assert not all(same(*trained(model_of(name, prior_of(name)))))  # as it learns without


@pytest.mark.parametrize("name", first(1, OF_REAL_NUMBERS))
def test_an_objective_that_trains_no_prior_takes_it(name, tmp_path):
    with pytest.raises(ValueError, match=r"would never be trained.*trainable=False"):
        model_of(name, prior_of(name), objective=AdversarialMatching())
    model = model_of(name, prior_of(name, trainable=False), objective=AdversarialMatching())
    model.trainable = False
    model.trainable = True  # of all but what is kept
    assert all(same(*trained(model)))
    model.save(tmp_path / "model.keras")
    assert not kae.load(tmp_path / "model.keras").prior_layer.learns


def test_a_layer_that_is_frozen_later_is_thawed_as_in_keras():
    model = model_of("real_nvp", latents.RealNVP())
    model.prior_layer.trainable = False
    assert all(same(*trained(model)))
    model.prior_layer.trainable = True
    model.compile(run_eagerly=True)
    assert not all(same(*trained(model)))


def test_it_is_yes_or_no():
    with pytest.raises(ValueError, match=r"`trainable` must be True or False\. Received: trainable='no'"):
        latents.RealNVP(trainable="no")
