"""Latents: posteriors, features to q(z given x), and priors p(z)."""

from keras_ae.latents.deterministic import Deterministic
from keras_ae.latents.diagonal_normal import DiagonalNormal
from keras_ae.latents.normal_mixture import NormalMixture
from keras_ae.latents.posterior import Posterior
from keras_ae.latents.prior import Prior
from keras_ae.latents.standard_normal import StandardNormal
from keras_ae.names import resolve

POSTERIORS = {"deterministic": Deterministic, "diagonal_normal": DiagonalNormal}
PRIORS = {"standard_normal": StandardNormal, "normal_mixture": NormalMixture}

__all__ = [
    "POSTERIORS", "PRIORS", "Deterministic", "DiagonalNormal", "NormalMixture", "Posterior", "Prior", "StandardNormal",
    "get_posterior", "get_prior",
]  # fmt: skip


def get_posterior(value):
    """The posterior that a short name or an instance stands for."""
    return resolve("posterior", value, POSTERIORS, Posterior)


def get_prior(value):
    """The prior that a short name or an instance stands for, or `None`."""
    return resolve("prior", value, PRIORS, Prior)
