"""The likelihood metrics of a `Subject`."""

import numpy as np

from keras_ae.evaluate.likelihood.log_likelihood import log_likelihood as estimate
from keras_ae.evaluate.metric import Need, metric
from keras_ae.evaluate.statistics import mean_measurement


@metric("likelihood", Need.DENSITY)
def log_likelihood(subject, *, num_samples=500):
    """Importance-weighted estimate of log p(x), the mean over examples.

    Args:
        subject: a `Subject`.
        num_samples: importance samples per example, K.
    """
    parts = [
        estimate(subject.model, x, condition, num_samples=num_samples, seed=subject.seed)
        for x, condition in subject.batches("log-likelihood")
    ]
    values = np.concatenate(parts)
    protocol = f"{num_samples} importance samples per example, {len(values)} examples; interval of the mean"
    yield mean_measurement("log_likelihood", values, unit="nats", better="higher", protocol=protocol)
