"""Arguments of a published model that are its objective's."""

import inspect

import keras
import numpy as np
import pytest

import keras_ae as kae
from keras_ae import models
from keras_ae.schedules import LinearWarmUp
from keras_ae.step_context import StepContext

X = np.random.default_rng(0).random((8, 6)).astype("float32")
SETTINGS = {
    models.AdversarialAE: {"matching_weight": 2.0, "discriminator": kae.networks.MLP([5])},
    models.AnnealedVAE: {"capacity": LinearWarmUp(9, end=3.0), "gamma": 7.0},
    models.BetaTCVAE: {"num_examples": 9, "alpha": 2.0, "beta": LinearWarmUp(9), "gamma": 3.0, "sampling": "weighted"},
    models.BetaVAE: {"beta": 2.0, "free_bits": 0.25},
    models.CIWAE: {"beta": 0.25, "num_samples": 3, "estimator": "sticking_the_landing"},
    models.ContractiveAE: {"contraction_weight": 2.0, "num_projections": None},
    models.DIPVAE: {"variant": "II", "off_diagonal_weight": 3.0, "diagonal_weight": 2.0},
    models.DenoisingAE: {"corruption": "normal", "amount": 0.5, "support": [0.0, 1.0]},
    models.FactorVAE: {"gamma": 2.0, "discriminator": kae.networks.MLP([5])},
    models.IWAE: {"num_samples": 3, "estimator": "doubly_reparameterized"},
    models.InfoVAE: {"alpha": 0.25, "lambda_": 7.0, "kernel": "imq"},
    models.JointVAE: {"capacity": LinearWarmUp(9), "categorical_capacity": LinearWarmUp(8), "gamma": 2.0},
    models.MIWAE: {"num_groups": 2, "num_samples": 3, "estimator": "sticking_the_landing"},
    models.PIWAE: {"num_groups": 2, "num_samples": 3},
    models.RegularizedAE: {"regularizer": "gradient", "beta": 2.0, "decoder_weight": 3.0, "num_projections": 2},
    models.SparseAE: {"penalty": "l1", "sparsity_weight": 2.0, "target": 0.3},
    models.ResidualVQVAE: {"commitment_weight": 2.0},
    models.VAEGAN: {"gamma": 2.0, "discriminator": kae.networks.MLP([5]), "feature_scale": 0.5},
    models.VQVAE: {"commitment_weight": 2.0},
    models.WAE: {"lambda_": 7.0, "kernel": "rbf"},
}


def test_every_model_with_settings_is_here():
    assert set(SETTINGS) == {cls for cls in models.MODELS.values() if cls.settings}


@pytest.mark.parametrize("cls, settings", SETTINGS.items())
def test_settings_reach_the_objective_and_survive_the_config(cls, settings):
    assert set(settings) == set(cls.settings)
    model = cls(latent_dim=16, **settings)
    again = cls.from_config(model.get_config())
    for each in (model, again):
        for name, value in settings.items():
            same = keras.saving.serialize_keras_object(each.objective.get_config()[name])
            assert same == keras.saving.serialize_keras_object(value), name
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize("cls", SETTINGS)
def test_defaults_are_those_of_the_objective(cls):
    """But for those that the paper of the model sets otherwise."""
    others = {"beta": 4.0} if cls is models.BetaVAE else {}
    others |= {"alpha": 0.5, "lambda_": 100.0, "kernel": "rbf"} if cls is models.InfoVAE else {}
    others |= {"capacity": None, "gamma": 10.0} if cls is models.AnnealedVAE else {}
    others |= {"gamma": 10.0, "capacity": 5.0, "categorical_capacity": None} if cls is models.JointVAE else {}
    ours = inspect.signature(cls).parameters
    theirs = inspect.signature(type(cls(**{k: 9 for k in ("num_examples",) if k in ours}).objective)).parameters
    for name in set(cls.settings) - set(others):
        assert ours[name].default == theirs[name].default, name


@pytest.mark.parametrize("cls", SETTINGS)
def test_objective_is_no_argument(cls):
    with pytest.raises(TypeError, match="objective"):
        cls(objective="elbo", **({"num_examples": 9} if cls is models.BetaTCVAE else {}))


@pytest.mark.parametrize(
    "model, same",
    [
        (lambda: models.BetaVAE(), lambda: models.VAE(objective=kae.objectives.ELBO(4.0))),
        (lambda: models.BetaVAE(beta=1.0), lambda: models.VAE()),
        (
            lambda: models.AnnealedVAE(),
            lambda: models.VAE(objective=kae.objectives.Capacity(LinearWarmUp(2_000, end=25.0), 10.0)),
        ),
        (
            lambda: models.InfoVAE(alpha=0.0, lambda_=1.0),
            lambda: models.VAE(),
        ),
        (lambda: models.WAE(lambda_=0.0), lambda: models.AE()),
    ],
)
def test_models_are_compositions(model, same):
    losses = []
    for make in (model, same):
        keras.utils.set_random_seed(1)
        made = make()
        made.build((None, 6))
        losses.append(made.terms(X, None, StepContext([1, 2], training=True, step=500))["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-6)  # the same sums, in an order of their own
