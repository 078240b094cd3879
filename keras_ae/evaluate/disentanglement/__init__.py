"""Disentanglement: whether each dimension of a code follows one factor of the data."""

from keras_ae.evaluate.disentanglement import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.disentanglement.dci import DCI, dci
from keras_ae.evaluate.disentanglement.downstream import DownstreamAccuracy, downstream_accuracy
from keras_ae.evaluate.disentanglement.explicitness import explicitness
from keras_ae.evaluate.disentanglement.fixed_factors import beta_vae_score, factor_vae_score
from keras_ae.evaluate.disentanglement.irs import interventional_robustness
from keras_ae.evaluate.disentanglement.mutual_information import (
    modularity,
    mutual_information_gap,
    mutual_information_matrix,
)
from keras_ae.evaluate.disentanglement.sap import predictability, separated_attribute_predictability
from keras_ae.evaluate.disentanglement.udr import unsupervised_disentanglement_ranking
from keras_ae.evaluate.disentanglement.unsupervised import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    mutual_information_score,
)
from keras_ae.evaluate.metric_inputs import discretize

__all__ = [
    "DCI",
    "DownstreamAccuracy",
    "beta_vae_score",
    "dci",
    "discretize",
    "downstream_accuracy",
    "explicitness",
    "factor_vae_score",
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "interventional_robustness",
    "modularity",
    "mutual_information_gap",
    "mutual_information_matrix",
    "mutual_information_score",
    "predictability",
    "separated_attribute_predictability",
    "unsupervised_disentanglement_ranking",
]
