"""Priors: Keras layers that give p(z), or p(z|c), and are trained with the model."""

from keras_ae.latents.code_distribution import CodeDistribution
from keras_ae.latents.priors.autoregressive_prior import AutoregressivePrior
from keras_ae.latents.priors.conditional_normal import ConditionalNormal
from keras_ae.latents.priors.fixed_priors import SphericalUniform, StandardNormal, UniformCategorical
from keras_ae.latents.priors.flow_priors import MaskedAutoregressiveFlow, RealNVP
from keras_ae.latents.priors.hierarchical_normal import HierarchicalNormal
from keras_ae.latents.priors.mixed_prior import MixedPrior
from keras_ae.latents.priors.normal_mixture import NormalMixture
from keras_ae.latents.priors.prior import Prior
from keras_ae.latents.priors.vamp_prior import VampPrior
from keras_ae.registry import resolve

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

__all__ = ["PRIORS", "Prior", "get", *(cls.__name__ for cls in PRIORS.values())]


def get(value: "str | Prior | None") -> Prior | None:
    """Returns the prior for a short name or an instance, or `None`."""
    if isinstance(value, CodeDistribution) and not isinstance(value, Prior):
        name = type(value).__name__
        raise ValueError(
            f"`prior` {name} is a sampler: pass it to `fit_sampler` after training. Received: prior={name}"
        )
    return resolve("prior", value, PRIORS, Prior, optional=True)
