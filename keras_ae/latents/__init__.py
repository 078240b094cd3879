"""Latents: posteriors, features to q(z given x), and priors p(z)."""

from keras_ae.latents.distributions.hierarchy import Hierarchy
from keras_ae.latents.inference import Inference
from keras_ae.latents.posteriors.deterministic import Deterministic
from keras_ae.latents.posteriors.diagonal_normal import DiagonalNormal
from keras_ae.latents.posteriors.full_covariance_normal import FullCovarianceNormal
from keras_ae.latents.posteriors.inverse_autoregressive_flow import InverseAutoregressiveFlow
from keras_ae.latents.posteriors.ladder_normal import LadderNormal
from keras_ae.latents.posteriors.mixed_posterior import MixedPosterior
from keras_ae.latents.posteriors.planar_flow import PlanarFlow
from keras_ae.latents.posteriors.posterior import Posterior
from keras_ae.latents.posteriors.power_spherical import PowerSpherical
from keras_ae.latents.posteriors.relaxed_categorical import RelaxedCategorical
from keras_ae.latents.posteriors.residual_vector_quantizer import ResidualVectorQuantizer
from keras_ae.latents.posteriors.top_down_normal import TopDownNormal
from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer
from keras_ae.latents.priors.autoregressive_prior import AutoregressivePrior
from keras_ae.latents.priors.conditional_normal import ConditionalNormal
from keras_ae.latents.priors.hierarchical_normal import HierarchicalNormal, layer_sizes
from keras_ae.latents.priors.masked_autoregressive_flow import MaskedAutoregressiveFlow
from keras_ae.latents.priors.mixed_prior import MixedPrior
from keras_ae.latents.priors.normal_mixture import NormalMixture
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.priors.real_nvp import RealNVP
from keras_ae.latents.priors.spherical_uniform import SphericalUniform
from keras_ae.latents.priors.standard_normal import StandardNormal
from keras_ae.latents.priors.uniform_categorical import UniformCategorical
from keras_ae.latents.priors.vamp_prior import VampPrior
from keras_ae.registry import resolve

POSTERIORS = {
    "deterministic": Deterministic,
    "diagonal_normal": DiagonalNormal,
    "full_covariance_normal": FullCovarianceNormal,
    "inverse_autoregressive_flow": InverseAutoregressiveFlow,
    "ladder_normal": LadderNormal,
    "mixed": MixedPosterior,
    "planar_flow": PlanarFlow,
    "power_spherical": PowerSpherical,
    "relaxed_categorical": RelaxedCategorical,
    "residual_vector_quantizer": ResidualVectorQuantizer,
    "top_down_normal": TopDownNormal,
    "vector_quantizer": VectorQuantizer,
}
PRIORS = {
    "autoregressive": AutoregressivePrior,
    "conditional_normal": ConditionalNormal,
    "hierarchical_normal": HierarchicalNormal,
    "masked_autoregressive_flow": MaskedAutoregressiveFlow,
    "mixed": MixedPrior,
    "normal_mixture": NormalMixture,
    "real_nvp": RealNVP,
    "spherical_uniform": SphericalUniform,
    "standard_normal": StandardNormal,
    "uniform_categorical": UniformCategorical,
    "vamp": VampPrior,
}

__all__ = [
    "POSTERIORS", "PRIORS", "AutoregressivePrior", "ConditionalNormal", "Deterministic", "DiagonalNormal",
    "FullCovarianceNormal", "HierarchicalNormal", "Hierarchy", "Inference", "InverseAutoregressiveFlow",
    "LadderNormal", "MaskedAutoregressiveFlow", "MixedPosterior", "MixedPrior", "NormalMixture", "PlanarFlow",
    "Posterior", "PowerSpherical", "Prior", "RealNVP", "RelaxedCategorical", "ResidualVectorQuantizer",
    "SphericalUniform", "StandardNormal", "TopDownNormal", "UniformCategorical", "VampPrior", "VectorQuantizer",
    "get_posterior", "get_prior", "layer_sizes",
]  # fmt: skip


def get_posterior(value):
    """The posterior that a short name or an instance stands for."""
    return resolve("posterior", value, POSTERIORS, Posterior)


def get_prior(value):
    """The prior that a short name or an instance stands for, or `None`."""
    return resolve("prior", value, PRIORS, Prior, optional=True)
