"""Generated examples against real ones."""

from keras_ae.evaluate.samples.conditional_accuracy import ConditionalAccuracy, conditional_accuracy
from keras_ae.evaluate.samples.frechet_distance import frechet_distance

__all__ = ["ConditionalAccuracy", "conditional_accuracy", "frechet_distance"]
