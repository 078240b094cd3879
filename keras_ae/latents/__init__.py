"""Latents: posteriors, features to q(z given x), and priors p(z)."""

from keras_ae.latents.autoregressive_prior import AutoregressivePrior
from keras_ae.latents.conditional_normal import ConditionalNormal
from keras_ae.latents.deterministic import Deterministic
from keras_ae.latents.diagonal_normal import DiagonalNormal
from keras_ae.latents.full_covariance_normal import FullCovarianceNormal
from keras_ae.latents.hierarchical_normal import HierarchicalNormal, layer_sizes
from keras_ae.latents.hierarchy import Hierarchy
from keras_ae.latents.inference import Inference
from keras_ae.latents.inverse_autoregressive_flow import InverseAutoregressiveFlow
from keras_ae.latents.ladder_normal import LadderNormal
from keras_ae.latents.masked_autoregressive_flow import MaskedAutoregressiveFlow
from keras_ae.latents.mixed_posterior import MixedPosterior
from keras_ae.latents.mixed_prior import MixedPrior
from keras_ae.latents.normal_mixture import NormalMixture
from keras_ae.latents.planar_flow import PlanarFlow
from keras_ae.latents.posterior import Posterior
from keras_ae.latents.power_spherical import PowerSpherical
from keras_ae.latents.prior import Prior
from keras_ae.latents.real_nvp import RealNVP
from keras_ae.latents.relaxed_categorical import RelaxedCategorical
from keras_ae.latents.residual_vector_quantizer import ResidualVectorQuantizer
from keras_ae.latents.spherical_uniform import SphericalUniform
from keras_ae.latents.standard_normal import StandardNormal
from keras_ae.latents.top_down_normal import TopDownNormal
from keras_ae.latents.uniform_categorical import UniformCategorical
from keras_ae.latents.vamp_prior import VampPrior
from keras_ae.latents.vector_quantizer import VectorQuantizer
from keras_ae.names import resolve

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
