"""Samplers: densities fitted to the codes of a trained model, for `sample` to draw from in place of a prior."""

from keras_ae.latents.samplers.autoregressive_sampler import AutoregressiveSampler
from keras_ae.latents.samplers.flow_sampler import FlowSampler
from keras_ae.latents.samplers.gaussian_mixture_sampler import GaussianMixtureSampler
from keras_ae.latents.samplers.kernel_density_sampler import KernelDensitySampler
from keras_ae.latents.samplers.normal_sampler import NormalSampler
from keras_ae.latents.samplers.sampler import Sampler
from keras_ae.latents.samplers.two_stage_sampler import TwoStageSampler
from keras_ae.registry import resolve

SAMPLERS = {
    "autoregressive": AutoregressiveSampler,
    "flow": FlowSampler,
    "gaussian_mixture": GaussianMixtureSampler,
    "kernel_density": KernelDensitySampler,
    "normal": NormalSampler,
    "two_stage": TwoStageSampler,
}

__all__ = ["SAMPLERS", "Sampler", "get", *(cls.__name__ for cls in SAMPLERS.values())]


def get(value: "str | Sampler | None", *, optional: bool = False) -> Sampler | None:
    """Returns the sampler for a short name or an instance, or `None` if it is `optional`."""
    return resolve("sampler", value, SAMPLERS, Sampler, optional=optional)
