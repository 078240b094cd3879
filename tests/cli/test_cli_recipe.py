"""From the options of the command line to a model."""

import pytest

from keras_ae import models
from keras_ae.cli.recipe import make_model


def make(cls, **options):
    return make_model(cls, {"name": cls.__name__, "network": "mlp", **options}, None, 3, num_examples=77)


def test_number_of_examples_is_that_of_the_training():
    assert make(models.BetaTCVAE).objective.num_examples == 77


@pytest.mark.parametrize("cls", [models.VAE, models.BetaVAE, models.BetaTCVAE, models.RegularizedAE])
def test_beta_is_that_of_the_model_or_of_its_bound(cls):
    assert make(cls, beta=3.0).objective.beta == 3.0


@pytest.mark.parametrize(
    "cls, option", [(models.DenoisingAE, "beta"), (models.SparseAE, "prior"), (models.WAE, "beta")]
)
def test_option_that_a_model_does_not_have_is_named(cls, option):
    value = 3.0 if option == "beta" else "normal_mixture"
    with pytest.raises(ValueError, match=f"has no choice of `{option}`: leave --{option} out"):
        make(cls, **{option: value})
