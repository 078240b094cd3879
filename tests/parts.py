"""How to make each part of the zoo small: the one table of parts that the tests have.

A new posterior, prior, likelihood, sampler or objective needs a row here where its defaults do not fit codes of four
values; what else the tests do with a part, they find out from its type. CONTRIBUTING.md has the recipes.
"""

from keras_ae import latents, likelihoods, networks, objectives
from keras_ae.latents import samplers

DIM = 4
TABLES = {
    "encoder": networks.ENCODERS,
    "decoder": networks.DECODERS,
    "posterior": latents.POSTERIORS,
    "prior": latents.PRIORS,
    "sampler": samplers.SAMPLERS,
    "likelihood": likelihoods.LIKELIHOODS,
    "objective": objectives.OBJECTIVES,
}
NETWORKS = {
    "mlp": lambda: {"hidden": (6,)},
    "gated_mlp": lambda: {"hidden": (6,)},
    "conv": lambda: {"filters": (3, 4)},
    "resnet": lambda: {"filters": (3,), "blocks": 1},
}
ROWS = {
    "encoder": NETWORKS,
    "decoder": NETWORKS,
    "posterior": {
        "deterministic": dict,
        "diagonal_normal": dict,
        "full_covariance_normal": dict,
        "inverse_autoregressive_flow": lambda: {"steps": 1, "hidden": (8,), "context_size": 3},
        "ladder_normal": lambda: {"hidden": 8},
        "mixed": lambda: {"parts": [latents.DiagonalNormal(), latents.FullCovarianceNormal()], "sizes": (2, 2)},
        "planar_flow": lambda: {"steps": 1},
        "power_spherical": dict,
        "relaxed_categorical": lambda: {"num_classes": 2},
        "residual_vector_quantizer": lambda: {"num_codes": 5, "code_dim": 2, "depth": 2},
        "top_down_normal": lambda: {"hidden": 8},
        "vector_quantizer": lambda: {"num_codes": 5, "code_dim": 2},
    },
    "prior": {
        "autoregressive": lambda: {"width": 4, "hidden": (8,)},
        "conditional_normal": lambda: {"hidden": (8,)},
        "hierarchical_normal": lambda: {"sizes": (3, 1), "hidden": (8,)},
        "masked_autoregressive_flow": lambda: {"steps": 1, "hidden": (8,)},
        "mixed": lambda: {"parts": [latents.RealNVP(2), latents.NormalMixture(3)], "sizes": (2, 2)},
        "normal_mixture": lambda: {"components": 3},
        "real_nvp": lambda: {"steps": 2, "hidden": (8,)},
        "spherical_uniform": dict,
        "standard_normal": dict,
        "uniform_categorical": lambda: {"num_classes": 2},
        "vamp": lambda: {"components": 5},
    },
    "sampler": {
        "autoregressive": lambda: {"width": 4, "hidden": (8,)},
        "flow": lambda: {"flow": latents.RealNVP(2, hidden=(8,))},
        "gaussian_mixture": lambda: {"components": 2},
        "kernel_density": lambda: {"bandwidth": 0.5},
        "normal": dict,
        "two_stage": lambda: {"hidden": (8,)},
    },
    "likelihood": {
        "bernoulli": dict,
        "categorical": lambda: {"levels": 4},
        "continuous_bernoulli": dict,
        "discretized_logistic": lambda: {"levels": 8},
        "discretized_logistic_mixture": lambda: {"components": 2, "levels": 8},
        "laplace": dict,
        "negative_binomial": dict,
        "normal": dict,
        "poisson": dict,
    },
    "objective": {
        **dict.fromkeys(objectives.OBJECTIVES, dict),
        "capacity": lambda: {"capacity": 5.0},
        "joint_capacity": lambda: {"capacity": 1.0, "categorical_capacity": 1.0},
        "total_correlation": lambda: {"num_examples": 50},
    },
}


def part(kind, name, **arguments):
    """A small part, of its row in the table."""
    return TABLES[kind][name](**{**ROWS[kind][name](), **arguments})
