"""Compatibility of parts, checked when a model is constructed."""

import itertools

from keras_ae.latents import (
    ConditionalNormal,
    Deterministic,
    HierarchicalNormal,
    MixedPrior,
    VampPrior,
    VectorQuantizer,
)
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.latents.spaces import AnySpace, Formula, Product, Space
from keras_ae.objectives import VectorQuantization


def check_pairing(model, *, given):
    """Raises a `ValueError` if posterior, prior, objective and condition of a model are incompatible.

    Args:
        model: the model, with its parts set.
        given: the arguments `prior` and `posterior` as the user passed them, for the error message.
    """
    posterior, objective = model.posterior_layer, model.objective
    if model.needs_condition and model.condition is None:
        raise ValueError("`condition` must name the properties, such as Categorical(10). Received: None")
    _check_needs(objective, posterior, given)
    posterior.check_latent_dim(model.latent_dim)
    if isinstance(objective, VectorQuantization) != isinstance(posterior, VectorQuantizer):
        raise ValueError(
            "`objective` and `posterior` must both be of a codebook, or neither. "
            f"Received: objective={type(objective).__name__}, posterior={type(posterior).__name__}"
        )
    if not _takes(objective.space, posterior.space):
        raise ValueError(
            f"`objective` {type(objective).__name__} needs codes that are {objective.space}. "
            f"Received: a posterior {type(posterior).__name__} over {posterior.space}"
        )
    objective.check_parts(posterior, model.prior_layer)
    if isinstance(posterior, HierarchicalPosterior) and not isinstance(model.prior_layer, HierarchicalNormal):
        raise ValueError(
            f"`posterior` {type(posterior).__name__} needs a hierarchical prior, such as HierarchicalNormal. "
            f"Received: prior={type(model.prior_layer).__name__}"
        )
    check_source(model, "sampler", model.sampler_layer)
    check_source(model, "prior", model.prior_layer)
    if model.prior_layer is not None:
        _check_prior(model)


def check_separate(**networks):
    """Raises a `ValueError` if two networks of a model, given by name, are the same layer."""
    for (first, one), (second, other) in itertools.combinations(networks.items(), 2):
        if one is other:
            raise ValueError(
                f"`{first}` and `{second}` must be different networks. Received: the same {type(one).__name__} for both"
            )


def check_source(model, argument, source):
    """Checks that a prior or a sampler has the code space of the posterior and a possible dimension.

    Args:
        model: the model.
        argument: name of the argument, for the error message.
        source: the prior or sampler, or `None`.
    """
    if source is None:
        return
    source.check_latent_dim(model.latent_dim)
    posterior = model.posterior_layer
    if not source.covers(posterior.space):
        names = [type(part).__name__ for part in (posterior, source)]
        mixed = any(isinstance(each.space, Product) for each in (posterior, source))
        hint = " A MixedPosterior goes with a MixedPrior of the same `sizes`, part by part over the same codes."
        raise ValueError(
            f"`{argument}` must be over the same codes as `posterior`. "
            f"Received: {names[0]} over {posterior.space} and {names[1]} over {source.space}.{hint if mixed else ''}"
        )


def _check_needs(objective, posterior, given):
    if (objective.needs_prior and given["prior"] is None) or (objective.needs_density and pointed(posterior)):
        needs = [name for name in ("prior", "density") if getattr(objective, f"needs_{name}")]
        needs = " and ".join({"prior": "a prior", "density": "a posterior with a density"}[name] for name in needs)
        received = ", ".join(f"{name}={value!r}" for name, value in given.items())
        raise ValueError(f"`objective` {type(objective).__name__} needs {needs}. Received: {received}")


def _check_prior(model):
    posterior, prior = model.posterior_layer, model.prior_layer
    name = type(prior).__name__
    if isinstance(prior, VampPrior) and (pointed(posterior) or Formula.LOG_PROB not in posterior.formulas):
        raise ValueError(
            f"`prior` {name} needs a posterior whose codes have a density. "
            f"Received: posterior={type(posterior).__name__}"
        )
    if prior.learns and not model.objective.trains_prior:
        needed = model.objective.needs_prior or isinstance(posterior, HierarchicalPosterior)
        others = "" if needed else ", or prior=None and `fit_sampler` after training"
        raise ValueError(
            f"`prior` {name} would never be trained: no loss of `objective` {type(model.objective).__name__} has a "
            f"gradient for it. Use {name}(..., trainable=False) to keep it fixed{others}. Received: prior={name}"
        )
    parts = prior.parts if isinstance(prior, MixedPrior) else [prior]
    if model.condition is None and any(isinstance(part, ConditionalNormal) for part in parts):
        raise ValueError(f"`prior` {name} needs a condition. Received: condition=None")


def pointed(posterior):
    """Returns whether q(z|x) is a point mass, which has no density."""
    return isinstance(posterior, Deterministic)


def _takes(wanted: Space, space: Space):
    return wanted in (AnySpace(), space)
