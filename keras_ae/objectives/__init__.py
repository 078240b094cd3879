"""Objectives: losses and their terms for each example, in nats, from q(z|x), p(z) and p(x|z)."""

from keras_ae.objectives.adversarial_matching import AdversarialMatching
from keras_ae.objectives.adversarial_objective import AdversarialObjective
from keras_ae.objectives.adversarial_total_correlation import AdversarialTotalCorrelation
from keras_ae.objectives.capacity import Capacity
from keras_ae.objectives.clustering_elbo import ClusteringELBO
from keras_ae.objectives.contractive import Contractive
from keras_ae.objectives.denoising import Denoising
from keras_ae.objectives.disentangled_inferred_prior import DisentangledInferredPrior
from keras_ae.objectives.elbo import ELBO
from keras_ae.objectives.estimators.kl import kl_by_dimension
from keras_ae.objectives.estimators.permute_dims import permute_dims
from keras_ae.objectives.importance_weighted import CIWAE, IWAE, MIWAE, PIWAE
from keras_ae.objectives.joint_capacity import JointCapacity
from keras_ae.objectives.learned_similarity import LearnedSimilarity
from keras_ae.objectives.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from keras_ae.objectives.objective import Objective
from keras_ae.objectives.reconstruction import Reconstruction
from keras_ae.objectives.regularized import Regularized
from keras_ae.objectives.sparse import Sparse
from keras_ae.objectives.total_correlation import TotalCorrelation
from keras_ae.objectives.vector_quantization import VectorQuantization
from keras_ae.registry import resolve

OBJECTIVES = {
    "capacity": Capacity,
    "clustering_elbo": ClusteringELBO,
    "contractive": Contractive,
    "denoising": Denoising,
    "disentangled_inferred_prior": DisentangledInferredPrior,
    "elbo": ELBO,
    "iwae": IWAE,
    "joint_capacity": JointCapacity,
    "maximum_mean_discrepancy": MaximumMeanDiscrepancy,
    "ciwae": CIWAE,
    "miwae": MIWAE,
    "piwae": PIWAE,
    "adversarial_matching": AdversarialMatching,
    "adversarial_total_correlation": AdversarialTotalCorrelation,
    "learned_similarity": LearnedSimilarity,
    "reconstruction": Reconstruction,
    "regularized": Regularized,
    "sparse": Sparse,
    "total_correlation": TotalCorrelation,
    "vector_quantization": VectorQuantization,
}

__all__ = [
    "OBJECTIVES",
    "AdversarialObjective",
    "Objective",
    "get",
    "kl_by_dimension",
    "permute_dims",
    *(cls.__name__ for cls in OBJECTIVES.values()),
]


def get(value: str | Objective) -> Objective:
    """Returns the objective for a short name or an instance."""
    return resolve("objective", value, OBJECTIVES, Objective)
