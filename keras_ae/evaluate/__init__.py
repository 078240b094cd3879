"""Evaluation: the likelihood of held-out data, and the conditional accuracy and distance of generated examples."""

from keras_ae.evaluate.classifier import features, train_classifier
from keras_ae.evaluate.conditional_accuracy import ConditionalAccuracy, conditional_accuracy
from keras_ae.evaluate.frechet_distance import frechet_distance
from keras_ae.evaluate.log_likelihood import log_likelihood
from keras_ae.evaluate.score import score

__all__ = [
    "ConditionalAccuracy",
    "conditional_accuracy",
    "features",
    "frechet_distance",
    "log_likelihood",
    "score",
    "train_classifier",
]
