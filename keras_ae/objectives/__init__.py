"""Objectives: q(z given x), p(z) and p(x given z) to terms for each example, in nats."""

from keras_ae.names import resolve
from keras_ae.objectives.adversarial_matching import AdversarialMatching
from keras_ae.objectives.adversarial_objective import AdversarialObjective
from keras_ae.objectives.adversarial_total_correlation import AdversarialTotalCorrelation
from keras_ae.objectives.capacity import Capacity
from keras_ae.objectives.elbo import ELBO
from keras_ae.objectives.iwae import IWAE
from keras_ae.objectives.learned_similarity import LearnedSimilarity
from keras_ae.objectives.objective import Objective
from keras_ae.objectives.permute_dims import permute_dims
from keras_ae.objectives.rates import rate_by_dimension
from keras_ae.objectives.reconstruction import Reconstruction
from keras_ae.objectives.vector_quantization import VectorQuantization

OBJECTIVES = {
    "adversarial_matching": AdversarialMatching,
    "adversarial_total_correlation": AdversarialTotalCorrelation,
    "elbo": ELBO,
    "iwae": IWAE,
    "learned_similarity": LearnedSimilarity,
    "reconstruction": Reconstruction,
    "vector_quantization": VectorQuantization,
}

__all__ = [
    "ELBO", "IWAE", "OBJECTIVES", "AdversarialMatching", "AdversarialObjective", "AdversarialTotalCorrelation",
    "Capacity", "LearnedSimilarity", "Objective", "Reconstruction", "VectorQuantization", "get", "permute_dims",
    "rate_by_dimension",
]  # fmt: skip


def get(value):
    """The objective that a short name or an instance stands for."""
    return resolve("objective", value, OBJECTIVES, Objective)
