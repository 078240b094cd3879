"""Outlier detection with calibrated p-values.

example_statistics.py  numbers that a model computes for an example, from which scores are made
evidence.py            examples with their statistics and codes, computed once
density.py             density of usual examples, or of their codes; joint.py has the joint density of their statistics
neighbors.py           distances to usual examples; texture.py has what images consist of, expected_deviance.py the
                       deviance that is usual for a code
references.py          all of these: statistics that compare an example with usual ones
outlier_score.py       the base classes of scores
scores.py              outlier scores, each with its paper; tails.py has tail probabilities; likelihood_regret.py and
                       hierarchical_ratio.py have those that compute in a graph of the model
decisions.py           conformal p-values, false discoveries, drift
default_model.py       the model that is trained if none is given
detector.py            the detector, with scikit-learn's conventions; pyod.py with PyOD's
archive.py             the file of a fitted detector
explanation.py         nats of each value, nearest usual example, counterfactual
report/                which rows of a data set are outliers, and why: a table and a page
"""

from keras_ae.evaluate import detection_metrics
from keras_ae.outliers.decisions import Drift, conformal_p_values, discoveries, drift
from keras_ae.outliers.default_model import choose_model
from keras_ae.outliers.detector import OutlierDetector, load
from keras_ae.outliers.evidence import Evidence
from keras_ae.outliers.example_statistics import outlier_statistics
from keras_ae.outliers.explanation import Explanation, explain
from keras_ae.outliers.outlier_score import Score, StatisticScore
from keras_ae.outliers.report import report
from keras_ae.outliers.scores import SCORES, InputComplexity, LikelihoodRatio

__all__ = [
    "SCORES",
    "Drift",
    "Evidence",
    "Explanation",
    "InputComplexity",
    "LikelihoodRatio",
    "OutlierDetector",
    "Score",
    "StatisticScore",
    "choose_model",
    "conformal_p_values",
    "detection_metrics",
    "discoveries",
    "drift",
    "explain",
    "load",
    "outlier_statistics",
    "report",
]
