"""Neighborhoods: whether neighbors in the data are neighbors in the codes, and of one class."""

from keras_ae.evaluate.maps import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.maps.nearest_neighbors import knn_accuracy
from keras_ae.evaluate.maps.preservation import continuity, trustworthiness

__all__ = ["continuity", "knn_accuracy", "trustworthiness"]
