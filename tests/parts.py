"""How to make each part of the zoo small, and what goes with it in a model: the one table of parts that the tests have.

A new part gets its row here; CONTRIBUTING.md has the recipes. Other tests find out from its type what they try.
"""

import dataclasses
from collections.abc import Callable

from keras_ae import latents, likelihoods, networks, objectives
from keras_ae.latents import samplers

DIM = 4  # of codes
TABLES = {
    "encoder": networks.ENCODERS,
    "decoder": networks.DECODERS,
    "posterior": latents.POSTERIORS,
    "prior": latents.PRIORS,
    "sampler": samplers.SAMPLERS,
    "likelihood": likelihoods.LIKELIHOODS,
    "objective": objectives.OBJECTIVES,
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A small part, and a model around it.

    Args:
        arguments: function that gives the arguments of the part that make it small.
        beside: function that gives the other parts of a model that has it, as names or instances: {argument: part}.
            What is not there is a standard normal prior, a posterior that is a diagonal normal, the ELBO and Bernoulli.
        closed: for a prior or a posterior, whether the KL divergence beside these parts has a closed form: True,
            False, or "layers" or "parts" where each of a code may have one. `None` where the objective needs no KL.
    """

    arguments: Callable = dict
    beside: Callable = dict
    closed: bool | str | None = True


def _categorical():
    return latents.MixedPosterior([latents.DiagonalNormal(), latents.RelaxedCategorical(2)], (2, 2))


def _of_categorical():
    return latents.MixedPrior([latents.StandardNormal(), latents.UniformCategorical(2)], (2, 2))


def _point():
    return {"posterior": "deterministic", "prior": None, "objective": "reconstruction"}


def _unit():
    return {"posterior": latents.Deterministic(activation="sigmoid"), "prior": None}


def _codebook():
    return {"posterior": "vector_quantizer", "prior": None, "objective": "vector_quantization"}


NETWORKS = {
    "mlp": Row(lambda: {"hidden": (6,)}),
    "gated_mlp": Row(lambda: {"hidden": (6,)}),
    "conv": Row(lambda: {"filters": (3, 4)}),
    "resnet": Row(lambda: {"filters": (3,), "blocks": 1}),
}
ROWS = {
    "encoder": NETWORKS,
    "decoder": NETWORKS,
    "posterior": {
        "deterministic": Row(beside=_point, closed=None),
        "diagonal_normal": Row(),
        "full_covariance_normal": Row(),
        "inverse_autoregressive_flow": Row(lambda: {"steps": 1, "hidden": (8,), "context_size": 3}, closed=False),
        "ladder_normal": Row(lambda: {"hidden": 8}, lambda: {"prior": "hierarchical_normal"}, "layers"),
        "landmarks": Row(lambda: {"num_landmarks": 5}, _point, None),
        "mixed": Row(
            lambda: {"parts": [latents.DiagonalNormal(), latents.FullCovarianceNormal()], "sizes": (2, 2)},
            lambda: {"prior": "mixed"},
            closed="parts",
        ),
        "planar_flow": Row(lambda: {"steps": 1}, closed=False),
        "power_spherical": Row(beside=lambda: {"prior": "spherical_uniform"}),
        "relaxed_categorical": Row(lambda: {"num_classes": 2}, lambda: {"prior": "uniform_categorical"}),
        "residual_vector_quantizer": Row(lambda: {"num_codes": 5, "code_dim": 2, "depth": 2}, _codebook, None),
        "top_down_normal": Row(lambda: {"hidden": 8}, lambda: {"prior": "hierarchical_normal"}, "layers"),
        "vector_quantizer": Row(lambda: {"num_codes": 5, "code_dim": 2}, _codebook, None),
    },
    "prior": {
        "autoregressive": Row(lambda: {"width": 4, "hidden": (8,)}, _codebook, None),
        "conditional_normal": Row(lambda: {"hidden": (8,)}),
        "hierarchical_normal": Row(lambda: {"sizes": (3, 1), "hidden": (8,)}, closed=False),
        "masked_autoregressive_flow": Row(lambda: {"steps": 1, "hidden": (8,)}, closed=False),
        "mixed": Row(
            lambda: {"parts": [latents.RealNVP(2), latents.NormalMixture(3)], "sizes": (2, 2)},
            lambda: {"posterior": "mixed"},
            closed="parts",
        ),
        "normal_mixture": Row(lambda: {"components": 3}, closed=False),
        "real_nvp": Row(lambda: {"steps": 2, "hidden": (8,)}, closed=False),
        "spherical_uniform": Row(beside=lambda: {"posterior": "power_spherical"}),
        "standard_normal": Row(),
        "uniform_categorical": Row(lambda: {"num_classes": 2}, lambda: {"posterior": "relaxed_categorical"}),
        "vamp": Row(lambda: {"components": 5}, closed=False),
    },
    "sampler": {
        "autoregressive": Row(lambda: {"width": 4, "hidden": (8,)}, _codebook),
        "flow": Row(lambda: {"flow": latents.RealNVP(2, hidden=(8,)), "epochs": 1}, _point),
        "gaussian_mixture": Row(lambda: {"components": 2}, _point),
        "kernel_density": Row(lambda: {"bandwidth": 0.5}, _point),
        "normal": Row(beside=_point),
        "two_stage": Row(lambda: {"hidden": (8,), "epochs": 1}, _point),
    },
    "likelihood": {
        "bernoulli": Row(),
        "categorical": Row(lambda: {"levels": 4}),
        "continuous_bernoulli": Row(),
        "discretized_logistic": Row(lambda: {"levels": 8}),
        "discretized_logistic_mixture": Row(lambda: {"components": 2, "levels": 8}),
        "laplace": Row(),
        "negative_binomial": Row(),
        "normal": Row(),
        "poisson": Row(),
    },
    "objective": {
        "adversarial_matching": Row(),
        "adversarial_total_correlation": Row(),
        "capacity": Row(lambda: {"capacity": 5.0}),
        "ciwae": Row(),
        "clustering_elbo": Row(beside=lambda: {"prior": "normal_mixture"}),
        "contractive": Row(beside=_point),
        "denoising": Row(beside=_point),
        "disentangled_inferred_prior": Row(),
        "elbo": Row(),
        "iwae": Row(),
        "joint_capacity": Row(
            lambda: {"capacity": 1.0, "categorical_capacity": 1.0},
            lambda: {"posterior": _categorical(), "prior": _of_categorical()},
        ),
        "learned_similarity": Row(),
        "maximum_mean_discrepancy": Row(),
        "miwae": Row(),
        "piwae": Row(),
        "reconstruction": Row(beside=_point),
        "regularized": Row(beside=_point),
        "sparse": Row(beside=_unit),
        "total_correlation": Row(lambda: {"num_examples": 50}),
        "vector_quantization": Row(beside=_codebook),
    },
}
PARTS = [(kind, name) for kind in ROWS for name in TABLES[kind] if name in ROWS[kind]]


def part(kind, name, **arguments):
    """A small part, of its row in the table."""
    return TABLES[kind][name](**{**ROWS[kind][name].arguments(), **arguments})


def beside(kind, name):
    """The arguments of a model that has a part, and what goes with it, as names or instances: {argument: part}."""
    return {"latent_dim": DIM, **ROWS[kind][name].beside(), kind: name}


def parts_with(kind, name):
    """The same with small parts in place of names."""
    return {argument: _made(argument, value) for argument, value in beside(kind, name).items()}


def _made(argument, value):
    return part(argument, value) if isinstance(value, str) else value


def pairs():
    """(posterior, prior, whether their KL divergence has a closed form) of all rows that have one, by their names."""
    rows = [(name, row.beside().get("prior", "standard_normal"), row) for name, row in ROWS["posterior"].items()]
    rows += [(row.beside().get("posterior", "diagonal_normal"), name, row) for name, row in ROWS["prior"].items()]
    found = {(posterior, prior): row.closed for posterior, prior, row in rows if row.closed is not None}
    return [(*pair, closed) for pair, closed in found.items()]
