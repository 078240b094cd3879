"""Objectives: q(z given x), p(z) and p(x given z) to terms for each example, in nats."""

from keras_ae.names import resolve
from keras_ae.objectives.capacity import Capacity
from keras_ae.objectives.ciwae import CIWAE
from keras_ae.objectives.elbo import ELBO
from keras_ae.objectives.iwae import IWAE
from keras_ae.objectives.joint_capacity import JointCapacity
from keras_ae.objectives.miwae import MIWAE
from keras_ae.objectives.objective import Objective
from keras_ae.objectives.piwae import PIWAE
from keras_ae.objectives.rates import rate_by_dimension
from keras_ae.objectives.reconstruction import Reconstruction
from keras_ae.objectives.vector_quantization import VectorQuantization

OBJECTIVES = {
    "ciwae": CIWAE,
    "elbo": ELBO,
    "iwae": IWAE,
    "miwae": MIWAE,
    "piwae": PIWAE,
    "reconstruction": Reconstruction,
    "vector_quantization": VectorQuantization,
}

__all__ = [
    "CIWAE", "ELBO", "IWAE", "MIWAE", "OBJECTIVES", "PIWAE", "Capacity", "JointCapacity", "Objective",
    "Reconstruction", "VectorQuantization", "get", "rate_by_dimension",
]  # fmt: skip


def get(value):
    """The objective that a short name or an instance stands for."""
    return resolve("objective", value, OBJECTIVES, Objective)
