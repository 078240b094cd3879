"""Generated examples against real ones."""

from keras_ae.evaluate.samples import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.samples.classification_score import classification_accuracy_score, diversity_within_classes
from keras_ae.evaluate.samples.conditional_accuracy import ConditionalAccuracy, conditional_accuracy
from keras_ae.evaluate.samples.frechet_distance import frechet_distance
from keras_ae.evaluate.samples.kernel_distance import KernelDistance, kernel_distance
from keras_ae.evaluate.samples.manifold_overlap import ManifoldOverlap, manifold_overlap
from keras_ae.evaluate.samples.memorization import Memorization, memorization
from keras_ae.evaluate.samples.tables import correlation_distance, marginal_distances, two_sample_scores

__all__ = [
    "ConditionalAccuracy",
    "KernelDistance",
    "ManifoldOverlap",
    "Memorization",
    "classification_accuracy_score",
    "conditional_accuracy",
    "correlation_distance",
    "diversity_within_classes",
    "frechet_distance",
    "kernel_distance",
    "manifold_overlap",
    "marginal_distances",
    "memorization",
    "two_sample_scores",
]
