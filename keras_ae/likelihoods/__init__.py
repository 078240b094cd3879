"""Likelihoods: Keras layers that turn the decoder's features into p(x|z)."""

from keras_ae.likelihoods.bernoulli import Bernoulli, ContinuousBernoulli
from keras_ae.likelihoods.categorical import Categorical
from keras_ae.likelihoods.counts import NegativeBinomial, Poisson
from keras_ae.likelihoods.discretized_logistic import DiscretizedLogistic, DiscretizedLogisticMixture
from keras_ae.likelihoods.likelihood import Likelihood
from keras_ae.likelihoods.location_scale import Laplace, Normal
from keras_ae.registry import resolve

LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "continuous_bernoulli": ContinuousBernoulli,
    "discretized_logistic": DiscretizedLogistic,
    "discretized_logistic_mixture": DiscretizedLogisticMixture,
    "laplace": Laplace,
    "negative_binomial": NegativeBinomial,
    "normal": Normal,
    "poisson": Poisson,
}

__all__ = ["LIKELIHOODS", "Likelihood", "get", *(cls.__name__ for cls in LIKELIHOODS.values())]


def get(value: str | Likelihood) -> Likelihood:
    """Returns the likelihood for a short name or an instance."""
    return resolve("likelihood", value, LIKELIHOODS, Likelihood)
