"""Evaluation: metrics by family, of a model or of any representation of data.

    metric.py           what a metric is, and the registry of all metrics
    subject.py          what is measured: a model or a representation function, with data
    statistics.py       means, fractions and bootstrap intervals
    extractors.py       features in which examples are compared; classifier.py trains the default one
    example_details.py  examples that the report shows beside a number
    score.py            scores of single examples, which exports compute too
    detection.py        how well scores separate outliers from usual examples
    likelihood/         log-likelihood, rates, active units
    clustering/         groups in the codes against labels
    disentanglement/    dimensions of the code against true factors
    samples/            generated against real examples
    maps/               neighborhoods of data in the codes
    predictive_checks/  statistics of generated against real data
    latent_honesty/     codes that are likely, yet decode to nothing
    report/             all metrics that apply: one call, one table, one page

Each family has functions of arrays, for any data, and `metrics.py`, which registers them as metrics of a `Subject`.
"""

from keras_ae.evaluate import clustering, disentanglement, latent_honesty, likelihood, maps
from keras_ae.evaluate.classifier import features, train_classifier
from keras_ae.evaluate.detection import detection_metrics
from keras_ae.evaluate.extractors import EXTRACTORS, image_extractor, register_extractor
from keras_ae.evaluate.likelihood import log_likelihood
from keras_ae.evaluate.metric import FAMILIES, METRICS, Measurement, Metric, Need, NotApplicableError, metric
from keras_ae.evaluate.predictive_checks import predictive_check
from keras_ae.evaluate.report import Evaluation, Report, over_seeds, report
from keras_ae.evaluate.samples import ConditionalAccuracy, conditional_accuracy, frechet_distance
from keras_ae.evaluate.score import score
from keras_ae.evaluate.subject import Subject

__all__ = [
    "EXTRACTORS",
    "FAMILIES",
    "METRICS",
    "ConditionalAccuracy",
    "Evaluation",
    "Measurement",
    "Metric",
    "Need",
    "NotApplicableError",
    "Report",
    "Subject",
    "clustering",
    "conditional_accuracy",
    "detection_metrics",
    "disentanglement",
    "features",
    "frechet_distance",
    "image_extractor",
    "latent_honesty",
    "likelihood",
    "log_likelihood",
    "maps",
    "metric",
    "over_seeds",
    "predictive_check",
    "register_extractor",
    "report",
    "score",
    "train_classifier",
]
