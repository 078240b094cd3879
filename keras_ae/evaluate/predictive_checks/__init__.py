"""Posterior predictive checks: statistics of generated data against real data, with intervals."""

from keras_ae.evaluate.predictive_checks import metrics as _metrics  # registers the metrics  # noqa: F401
from keras_ae.evaluate.predictive_checks.check import STATISTICS, PredictiveCheck, predictive_check
from keras_ae.evaluate.predictive_checks.replicates import predictive_replicates

__all__ = ["STATISTICS", "PredictiveCheck", "predictive_check", "predictive_replicates"]
