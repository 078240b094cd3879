"""Groups in codes or raw values: how well they agree with labels, how stable they are, and how many there are."""

from keras_ae.evaluate.clustering import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.clustering.agreement import Agreement, accuracy, agreement, contingency
from keras_ae.evaluate.clustering.algorithms import gaussian_mixture, hdbscan, kmeans, umap_codes
from keras_ae.evaluate.clustering.distance_concentration import noise_contrast, relative_contrast
from keras_ae.evaluate.clustering.internal_scores import silhouette, stability
from keras_ae.evaluate.clustering.model_clusters import ClusterModel
from keras_ae.evaluate.clustering.num_clusters import NumClusters, num_clusters

__all__ = [
    "Agreement",
    "ClusterModel",
    "NumClusters",
    "accuracy",
    "agreement",
    "contingency",
    "gaussian_mixture",
    "hdbscan",
    "kmeans",
    "noise_contrast",
    "num_clusters",
    "relative_contrast",
    "silhouette",
    "stability",
    "umap_codes",
]
