"""How likely held-out data is under a model, in nats."""

from keras_ae.evaluate.likelihood import metrics as _metrics  # registers the metrics of the family  # noqa: F401
from keras_ae.evaluate.likelihood.log_likelihood import log_likelihood

__all__ = ["log_likelihood"]
